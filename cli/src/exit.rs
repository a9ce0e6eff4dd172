//! Exit codes: one for each kind of error, so that scripts can tell a denial from a typing error.
//!
//! The codes are part of the command line's contract and never change. Usage faults of the command line itself count as
//! invalid arguments, not as clap's own code, which would read as a denial.

use std::process::ExitCode;

use tonic::Code;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Success = 0,
    /// A fault of ours, here or in the server.
    Internal = 1,
    /// The caller may not do it.
    PermissionDenied = 2,
    /// The command line or the request is malformed.
    InvalidArgument = 3,
    /// The server does not know who the caller is.
    Unauthenticated = 4,
    /// It does not exist, or the caller may not know that it does.
    NotFound = 5,
    /// The name is taken.
    AlreadyExists = 6,
    /// The state of the thing forbids it.
    FailedPrecondition = 7,
    /// Somebody else changed it first.
    Conflict = 8,
    /// A limit was reached, or it took too long.
    Limit = 9,
    /// It is not built, or the server cannot be reached.
    Unavailable = 10,
}

impl Exit {
    /// The code for a gRPC status code.
    pub fn from_grpc(code: Code) -> Self {
        match code {
            Code::Ok => Self::Success,
            Code::InvalidArgument | Code::OutOfRange => Self::InvalidArgument,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::PermissionDenied => Self::PermissionDenied,
            Code::NotFound => Self::NotFound,
            Code::AlreadyExists => Self::AlreadyExists,
            Code::FailedPrecondition => Self::FailedPrecondition,
            Code::Aborted => Self::Conflict,
            Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled => Self::Limit,
            Code::Unimplemented | Code::Unavailable => Self::Unavailable,
            Code::Internal | Code::Unknown | Code::DataLoss => Self::Internal,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Code::Ok, 0)]
    #[case(Code::Internal, 1)]
    #[case(Code::Unknown, 1)]
    #[case(Code::DataLoss, 1)]
    #[case(Code::PermissionDenied, 2)]
    #[case(Code::InvalidArgument, 3)]
    #[case(Code::OutOfRange, 3)]
    #[case(Code::Unauthenticated, 4)]
    #[case(Code::NotFound, 5)]
    #[case(Code::AlreadyExists, 6)]
    #[case(Code::FailedPrecondition, 7)]
    #[case(Code::Aborted, 8)]
    #[case(Code::ResourceExhausted, 9)]
    #[case(Code::DeadlineExceeded, 9)]
    #[case(Code::Cancelled, 9)]
    #[case(Code::Unimplemented, 10)]
    #[case(Code::Unavailable, 10)]
    fn grpc_codes_map_to_their_exit_code(#[case] code: Code, #[case] exit: u8) {
        assert_eq!(Exit::from_grpc(code) as u8, exit);
    }

    #[test]
    fn only_ok_exits_with_zero() {
        for number in 1..=16 {
            assert_ne!(Exit::from_grpc(Code::from_i32(number)), Exit::Success, "{number}");
        }
    }
}
