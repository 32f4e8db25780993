//! `deskferry verify`: what was typed.

use std::path::PathBuf;

use clap::Args;

use crate::config::parse_rate;

/// `deskferry verify`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  deskferry verify last\n\nExit code 0: nothing is open. 1: something is, and verify.html and verify.csv list it."
)]
pub(in crate::cli) struct VerifyArgs {
    /// Its code, such as 7KQ2, or `last`
    #[arg(default_value = "last")]
    pub run: String,
    /// Compare all tickets [default: all up to 10,000 tickets, else a sample]
    #[arg(long, conflicts_with = "sample")]
    pub full: bool,
    /// Compare so many tickets [default: 299, which speak with 95 % confidence for 1 % of all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub sample: Option<u64>,
    /// What the sample is chosen by: the same seed chooses the same tickets
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write verify.html and verify.csv into this folder [default: this folder]
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Read with another profile of the same tenant, such as one whose token may only read
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Requests per second, at most: 10/s, 600/min [default: that of the run]
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub rate: Option<f64>,
    /// Fetch the directory anew
    #[arg(long)]
    pub refresh: bool,
}
