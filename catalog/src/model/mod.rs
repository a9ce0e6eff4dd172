//! The vocabulary of the catalog: what can exist, who can act, and what can be granted.

mod audit;
mod grant;
mod ids;
mod name;
mod principal;
mod privilege;
mod relation;
mod securable;
mod storage;
mod text;
mod token;

pub use audit::{AuditEvent, Outcome};
pub use grant::{ColumnGrants, GrantRow};
pub use ids::{ColumnId, PrincipalId, RequestId, SecurableId, TokenId};
pub use name::{FullName, Name, PrincipalName};
pub use principal::{Principal, PrincipalKind};
pub use privilege::{Privilege, PrivilegeSet};
pub use relation::{
    Column, ColumnMask, FunctionBody, Namespace, Parameter, PolicyArgument, RowFilter, TableBody, TableType, ViewBody,
};
pub use securable::{Body, NameClass, Securable, SecurableKind};
pub use storage::{ExternalLocationBody, StorageCredentialBody, StorageProvider, VolumeBody, VolumeType};
pub use text::Text;
pub use token::Token;
