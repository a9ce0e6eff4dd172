//! What the store has acknowledged outlives `kill -9` and power cuts, and no batch is there by half.
//!
//! A child process (this binary, started again) commits batch after batch and prints the number of each when its commit has
//! returned. The batches follow from their numbers, so whoever opens what is left knows every row that must stand there:
//! those of batches 1 to n, for an n no smaller than the last number printed.
//!
//! - `killed_writers_*`: `kill -9`, then open. The kernel keeps what was written, so this shows torn batches only.
//! - `a_disk_that_forgets_*`: a power cut without privileges. The child's disk is one that keeps a file only as it was when
//!   the store last asked for that (`ForgetfulDisk`); of what was written since, a random part of the sectors may have
//!   reached the disk too. It fails in the first round when the store does not ask to keep the log after each commit (the
//!   kept log lags behind what was acknowledged), and when long values are not cut into chunks (the engine then puts pages
//!   into files that nobody asks to keep, and the rows in them are gone).
//! - `power_cuts_*`: power cuts of a real file system: the child writes to an ext4 on a loop device, its backing file is
//!   copied meanwhile, and the copy is mounted (which replays the journal) and opened. Nightly: it needs root and
//!   `LAKEWARDEN_POWER_CUT=1`. Half of the rounds hold the writer while the copy is made, so that the copy is one moment;
//!   the other half let it run. Drives that lie about flushes are not modelled.

#[cfg(test)]
mod power {
    mod child;
    mod cut;
    mod disk;
    mod kill;
    mod loopback;
    mod workload;
}
