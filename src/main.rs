//! The `lakewarden` binary: hands the server's commands to the server and all others to the command line.

mod quickstart;
mod settings;

use std::process::ExitCode;

use lakewarden_cli::args::ServeArgs;
use lakewarden_cli::exit::Exit;
use lakewarden_cli::{Invocation, fail, parse, run};
use lakewarden_server::{ServerError, serve, status, telemetry};

fn main() -> ExitCode {
    let ended = match parse(std::env::args_os()) {
        Ok(Invocation::Serve(args)) => serve_until_signal(&args),
        Ok(Invocation::Quickstart(args)) => quickstart::run(&args),
        Ok(Invocation::ConfigShow(args, format)) => settings::show(&args, format),
        Ok(Invocation::Client(invoked)) => return run(*invoked),
        Err(code) => return code,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, Exit::from_grpc(status::code(error.kind()))),
    }
}

fn serve_until_signal(args: &ServeArgs) -> Result<(), ServerError> {
    let config = settings::load(&args.server)?;
    telemetry::install(&config.telemetry)?;
    lakewarden_server::runtime()?.block_on(async { serve(config).await?.until_signal().await })
}
