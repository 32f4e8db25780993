mod clearfeed;
mod faults;
mod incidentiq;
mod kept;
