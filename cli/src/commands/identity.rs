//! `whoami`.

use lakewarden_proto::v1::WhoAmIRequest;

use super::{Context, records};
use crate::error::CliError;

/// Shows who the caller is to the server.
///
/// # Errors
/// Those of the server.
pub async fn whoami(context: &mut Context) -> Result<(), CliError> {
    let found = context.client.identity().who_am_i(WhoAmIRequest {}).await?.into_inner();
    context.out.record(&records::whoami(found))
}
