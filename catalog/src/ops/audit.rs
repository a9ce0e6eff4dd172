//! Reading the audit log.

use super::page::{Listing, Page};
use crate::model::AuditEvent;
use crate::store::{Family, Key, codec};
use crate::{Caller, CatalogError, metastore::Metastore};

impl Metastore {
    /// Lists audit records, newest first.
    ///
    /// # Errors
    /// `PermissionDenied` unless the caller is a metastore admin, `InvalidArgument` for a page token that is not ours.
    pub fn list_audit(&self, caller: &Caller, page: &Page) -> Result<Listing<AuditEvent>, CatalogError> {
        self.read(caller, "audit.list", "audit", |pinned| pinned.require_admin())?;
        let before = page.after.as_deref().map(parse_seq).transpose()?;
        let before = before.map(|seq| Key::Audit(seq).bytes());
        let rows = self.store().scan_prefix_back(&Family::Audit.prefix(), before.as_deref());
        let size = if page.size == 0 { super::page::MAX_PAGE_SIZE } else { page.size };
        let mut items = Vec::new();
        for row in rows.take(size.saturating_add(1)) {
            items.push(codec::decode::<AuditEvent>(&row?.1)?);
        }
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(|event| event.seq.to_string());
        Ok(Listing { items, next })
    }
}

fn parse_seq(text: &str) -> Result<u64, CatalogError> {
    text.parse().map_err(|_| CatalogError::invalid("page_token", "this page token was not given out by this listing"))
}
