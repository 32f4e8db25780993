//! `deskferry doctor`: what was typed.

use clap::Args;

use super::Desk;

/// `deskferry doctor`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  deskferry doctor --profile sandbox:incidentiq\n\nIt reads only. With --write-probe it makes one ticket, lists it back, checks it, and removes it:\n  deskferry doctor --write-probe --profile sandbox:incidentiq"
)]
pub(in crate::cli) struct DoctorArgs {
    /// Which desk.
    #[command(flatten)]
    pub desk: Desk,
    /// Make one ticket, list it back, check its marker and its time, and remove it
    #[arg(long)]
    pub write_probe: bool,
    /// With --write-probe, a field and its value, where the system demands more (repeatable)
    #[arg(long = "set", value_name = "FIELD=VALUE", requires = "write_probe")]
    pub set: Vec<String>,
    /// Confirm the write to a live profile without being asked: its name
    #[arg(long, value_name = "PROFILE", requires = "write_probe")]
    pub confirm: Option<String>,
}
