//! Joins the quickstart of the server with the words of the command line.

use std::net::SocketAddr;

use lakewarden_cli::args::QuickstartArgs;
use lakewarden_cli::quickstart::{self as words, Teller};
use lakewarden_server::quickstart::{Listener, Tour, prepare};
use lakewarden_server::{Config, ServerError, telemetry};

use crate::settings;

struct Told(Teller);

impl Listener for Told {
    fn tables(&mut self, rows_total: u64) {
        self.0.tables(rows_total);
    }

    fn rows(&mut self, table: &'static str, rows_done: u64, is_done: bool) {
        self.0.rows(table, rows_done, is_done);
    }

    fn policies(&mut self) {
        self.0.policies();
    }
}

/// Makes the sample data unless it is there, shows what the policies do, and serves unless told to stop.
pub fn run(args: &QuickstartArgs) -> Result<(), ServerError> {
    let mut config = settings::load(&args.server)?;
    // The log would tear the bar and the answers apart, so only what is wrong is logged unless something else was asked for.
    if config.telemetry == Config::default().telemetry {
        config.telemetry.log = "warn".to_owned();
    }
    telemetry::install(&config.telemetry)?;
    lakewarden_server::runtime()?.block_on(async {
        let next = next(&config, config.listen.address);
        let ready = prepare(config.clone(), args.scale, &mut Told(Teller::default())).await?;
        match &ready.tour {
            Some(tour) => words::show(&worded(tour)),
            None => words::found(&ready.scale),
        }
        if args.exit {
            words::stopped(&next);
            return Ok(());
        }
        let running = ready.serve().await?;
        words::serving(&self::next(&config, running.address()));
        running.until_signal().await
    })
}

fn next(config: &Config, address: SocketAddr) -> words::Next {
    words::Next {
        program: std::env::args_os()
            .next()
            .map_or_else(|| "lakewarden".to_owned(), |name| name.to_string_lossy().into_owned()),
        address: address.to_string(),
        tls: config.tls.cert_file.is_some(),
        data_dir: config.store.data_dir.clone(),
        admin: config.identity.admin.clone(),
    }
}

fn worded(tour: &Tour) -> words::Tour {
    let answer = |answer: &lakewarden_server::quickstart::Answer| words::Answer {
        caller: answer.caller.clone(),
        columns: answer.columns.clone(),
        rows: answer.rows.clone(),
    };
    let policies = tour.policies.iter().map(|p| [p.table.clone(), p.kind.clone(), p.function.clone()]);
    words::Tour {
        question: tour.question.clone(),
        answers: tour.answers.iter().map(answer).collect(),
        policies: policies.collect(),
        mapping: tour.mapping.clone(),
    }
}
