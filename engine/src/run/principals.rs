//! CREATE, ALTER and DROP of users, groups and service principals.

use lakewarden_catalog::model::{PrincipalKind, PrincipalName};

use lakewarden_catalog::ops::principals::{Leftovers, PrincipalUpdate};

use super::{Run, unless_absent, unless_exists};
use crate::error::EngineError;
use crate::statement::{
    AlterPrincipal, CreatePrincipal, DropPrincipal, Leftovers as StatementLeftovers, Member, PrincipalAction,
    PrincipalKind as StatementKind,
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
        let (kind, group) = (kind(alter.kind), PrincipalName::parse(&alter.name)?);
        let (members, add) = match alter.action {
            PrincipalAction::AddMembers(members) => (members, true),
            PrincipalAction::RemoveMembers(members) => (members, false),
            PrincipalAction::RenameTo(new) => {
                let update = PrincipalUpdate { name: Some(PrincipalName::parse(&new)?), ..PrincipalUpdate::default() };
                self.change(move |metastore, caller| metastore.update_principal(caller, Some(kind), &group, &update))
                    .await?;
                return Ok(self.done());
            }
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
        let leftovers = match drop.leftovers {
            StatementLeftovers::Restrict => Leftovers::Restrict,
            StatementLeftovers::Cascade => Leftovers::Cascade,
            StatementLeftovers::Reassign(heir) => Leftovers::ReassignTo(PrincipalName::parse(&heir)?),
        };
        let dropped = self
            .change(move |metastore, caller| metastore.delete_principal(caller, Some(kind), &name, &leftovers, None))
            .await;
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
