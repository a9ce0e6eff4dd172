//! The vocabulary of the catalog: what can exist, who can act, and what can be granted.

mod audit;
mod grant;
mod ids;
mod name;
mod policy;
mod principal;
mod privilege;
mod relation;
mod securable;
mod storage;
mod tag;
mod text;
mod token;

pub use audit::{AuditEvent, Outcome};
pub use grant::{ColumnGrants, GrantRow};
pub use ids::{ColumnId, PolicyId, PrincipalId, RequestId, SecurableId, TokenId};
pub use name::{FullName, Name, PrincipalName};
pub use policy::{
    ColumnMatch, Condition, MAX_CONDITION_DEPTH, MAX_CONDITION_TAGS, MAX_MATCHES, Policies, Policy, PolicyEffect,
    PolicyInput,
};
pub use principal::{Principal, PrincipalKind};
pub use privilege::{Privilege, PrivilegeSet};
pub use relation::{
    Column, ColumnMask, FieldMask, FieldMasks, FunctionBody, Namespace, Parameter, PolicyArgument, RowFilter,
    TableBody, TableType, ViewBody,
};
pub use securable::{Body, NameClass, Securable, SecurableKind};
pub use storage::{ExternalLocationBody, StorageCredentialBody, StorageProvider, VolumeBody, VolumeType};
pub use tag::{MAX_TAGS, TagBody, Tags, require_tag_key, require_tag_value};
pub use text::Text;
pub use token::Token;
