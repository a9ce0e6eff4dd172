//! Pages: what the caller may not see is dropped before paging, so that pages are full and tell nothing.

use crate::CatalogError;

/// The most items on one page.
pub const MAX_PAGE_SIZE: usize = 1_000;

/// Which page is asked for.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The most items on it; 0 for as many as the server allows.
    pub size: usize,
    /// Where the page before it ended, as that page's `next` said.
    pub after: Option<String>,
}

/// One page of a listing.
#[derive(Debug, Clone)]
pub struct Listing<T> {
    /// The items, in the order of their names.
    pub items: Vec<T>,
    /// Where the next page starts; none on the last.
    pub next: Option<String>,
}

impl<T> Listing<T> {
    /// The same page with each item turned into another.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Listing<U> {
        Listing { items: self.items.into_iter().map(each).collect(), next: self.next }
    }
}

impl Page {
    /// The whole listing, for callers inside the server.
    pub fn all() -> Self {
        Self { size: usize::MAX, after: None }
    }

    /// Reads a page as a request names it.
    ///
    /// # Errors
    /// `InvalidArgument` when the size is negative.
    pub fn parse(size: i32, token: &str) -> Result<Self, CatalogError> {
        let size = usize::try_from(size).map_err(|_| {
            CatalogError::invalid(
                "page_size",
                format!("page_size {size} is negative: give 0 for the default, or up to 1000"),
            )
        })?;
        let size = if size == 0 { MAX_PAGE_SIZE } else { size.min(MAX_PAGE_SIZE) };
        Ok(Self { size, after: (!token.is_empty()).then(|| token.to_owned()) })
    }

    /// Takes one page of visible items; `key` gives where a page that ends with the item would go on.
    pub(crate) fn take<T>(&self, mut items: impl Iterator<Item = T>, key: impl Fn(&T) -> String) -> Listing<T> {
        let size = if self.size == 0 { MAX_PAGE_SIZE } else { self.size };
        let page: Vec<T> = items.by_ref().take(size).collect();
        let more = items.next().is_some();
        let next = page.last().filter(|_| more).map(key);
        Listing { items: page, next }
    }
}
