//! The wire shapes of lakewarden's gRPC interface: messages, clients and service traits made from `proto/`.
//!
//! This crate owns the shapes and their words, and nothing of what they mean: it knows no domain types. The contract
//! that all services share (names, pages, update masks, etags, errors) is written in `common.proto`.

/// Package `lakewarden.v1`.
#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    reason = "generated code"
)]
pub mod v1 {
    tonic::include_proto!("lakewarden.v1");
}

/// The descriptors of `lakewarden.v1` and of everything it imports, without comments: an encoded
/// `google.protobuf.FileDescriptorSet`, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lakewarden.v1.bin"));
