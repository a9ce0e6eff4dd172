//! CREATE, ALTER and DROP of users, groups and service principals.

use lakewarden_catalog::model::{PrincipalKind, PrincipalName};

use super::{Run, unless_absent, unless_exists};
use crate::error::EngineError;
use crate::statement::{
    AlterPrincipal, CreatePrincipal, DropPrincipal, Member, PrincipalAction, PrincipalKind as StatementKind,
};
use crate::stream::QueryStream;

impl Run {
    pub(super) async fn create_principal(&self, create: CreatePrincipal) -> Result<QueryStream, EngineError> {
        let (kind, name) = (kind(create.kind), PrincipalName::parse(&create.name)?);
        let made = self.change(move |metastore, caller| metastore.create_principal(caller, kind, &name, None)).await;
        unless_exists(made, create.if_not_exists)?;
        Ok(self.done())
    }

    pub(super) async fn alter_principal(&self, alter: AlterPrincipal) -> Result<QueryStream, EngineError> {
        let group = PrincipalName::parse(&alter.name)?;
        let (members, add) = match alter.action {
            PrincipalAction::AddMembers(members) => (members, true),
            PrincipalAction::RemoveMembers(members) => (members, false),
            PrincipalAction::RenameTo(_) => return Err(EngineError::Unimplemented("renaming a principal".to_owned())),
        };
        let names = members.iter().map(|m: &Member| PrincipalName::parse(&m.name)).collect::<Result<Vec<_>, _>>()?;
        self.change(move |metastore, caller| match add {
            true => metastore.add_members(caller, &group, &names),
            false => metastore.remove_members(caller, &group, &names),
        })
        .await?;
        Ok(self.done())
    }

    pub(super) async fn drop_principal(&self, drop: DropPrincipal) -> Result<QueryStream, EngineError> {
        let (kind, name) = (kind(drop.kind), PrincipalName::parse(&drop.name)?);
        let dropped = self.change(move |metastore, caller| metastore.delete_principal(caller, kind, &name)).await;
        unless_absent(dropped, drop.if_exists)?;
        Ok(self.done())
    }
}

fn kind(kind: StatementKind) -> PrincipalKind {
    match kind {
        StatementKind::User => PrincipalKind::User,
        StatementKind::Group => PrincipalKind::Group,
        StatementKind::ServicePrincipal => PrincipalKind::ServicePrincipal,
    }
}
