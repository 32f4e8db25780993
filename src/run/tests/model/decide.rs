//! What the model's client makes of an answer and of a listing.

use super::moves::{Answer, Listing};
use super::protocol::Model;
use super::rules::Rule;
use super::world::{Holds, Said, World};

/// What is known of a request of which the system said that nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Soft {
    /// `None`: it goes again once it is looked up.
    pub(super) said: Option<Said>,
    pub(super) shape: Option<usize>,
    /// Whether the row was settled before this look.
    pub(super) settled: bool,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Done(Holds),
    /// Nothing was done, and the same request goes again at once.
    Again,
    Rejected(Option<usize>),
    /// The run stops, and nothing was done.
    Stopped(Option<usize>),
    StoppedInDoubt,
    Interrupted,
    Died,
    Doubt(Said),
}

/// What a listing means for the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Found(Holds),
    Absent,
    /// Nothing is proven, and nothing speaks against what an answer said.
    Unseen,
    Open {
        candidates: bool,
    },
}

impl Model {
    pub(super) fn verdict(&self, world: &World, answer: Answer) -> Verdict {
        let believes = |said| !self.keeps(Rule::ProvenShape) || world.proven(said);
        match answer {
            Answer::Created => Verdict::Done(Holds::Own),
            Answer::Anothers if !self.keeps(Rule::OwnAnswer) => Verdict::Done(Holds::Anothers),
            Answer::Accepted if !self.keeps(Rule::AcceptedIsDoubt) => Verdict::Done(Holds::Own),
            Answer::Lost if !self.keeps(Rule::UnclearIsDoubt) => Verdict::Again,
            Answer::Anothers | Answer::Accepted | Answer::Lost => Verdict::Doubt(Said::Doubt),
            Answer::Refused if believes(Said::Refused) => Verdict::Rejected(Said::Refused.shape()),
            Answer::TooFast if believes(Said::TooFast) => Verdict::Again,
            Answer::Denied if believes(Said::Denied) => Verdict::Stopped(Said::Denied.shape()),
            Answer::Refused => Verdict::Doubt(Said::Refused),
            Answer::TooFast => Verdict::Doubt(Said::TooFast),
            Answer::Denied => Verdict::StoppedInDoubt,
            Answer::ProvenRefused => Verdict::Rejected(None),
            Answer::ProvenTooFast | Answer::Unsent => Verdict::Again,
            Answer::CtrlC => Verdict::Interrupted,
            Answer::Dies => Verdict::Died,
        }
    }

    /// What a listing of tickets says.
    pub(super) fn decide(&self, world: &World, listing: Listing, is_soft: bool) -> Decision {
        use Listing::{Akin, Empty, Failing, Held, Hidden, Mentioned, Partial, Quoted, Unmarked};
        if listing == Failing {
            return Decision::Open { candidates: false };
        }
        let is_there = world.visible() > 0 && !matches!(listing, Empty | Partial);
        if is_there && !matches!(listing, Hidden | Unmarked) {
            return Decision::Found(Holds::Own);
        }
        let takes = |rule, seen| listing == seen && !self.keeps(rule);
        if takes(Rule::InPlace, Mentioned)
            || takes(Rule::SameTitle, Quoted)
            || takes(Rule::HeldIsNoHit, Held)
        {
            return Decision::Found(Holds::Anothers);
        }
        match listing {
            Quoted => return Decision::Open { candidates: true },
            Held => return Decision::Open { candidates: false },
            _ => {}
        }
        // Titles are shown where texts are not; one that came back as it was sent contradicts others.
        let is_titled = world.witness && listing != Empty;
        let may_be = is_there || listing == Akin || (listing == Mentioned && !is_titled);
        let candidates = may_be && self.keeps(Rule::NothingUnexplained);
        if listing == Partial && self.keeps(Rule::Whole) {
            return Decision::Open { candidates };
        }
        let is_proven = world.witness && !matches!(listing, Empty | Hidden);
        match (is_proven || !self.keeps(Rule::Control), candidates) {
            (true, false) => Decision::Absent,
            // A list that shows nothing, where the ledger knows better, proves nothing at all.
            (false, false) if is_soft && !(world.witness && listing == Empty) => Decision::Unseen,
            _ => Decision::Open { candidates },
        }
    }

    /// What a look at the ticket says of a comment.
    pub(super) fn sight(&self, world: &World, listing: Listing) -> Decision {
        let open = Decision::Open { candidates: false };
        let is_there = world.visible() > 0 && listing != Listing::Empty;
        if is_there && world.visible() > 1 {
            return open;
        }
        match (is_there, listing) {
            (true, Listing::Unmarked | Listing::Hidden) => {
                if self.keeps(Rule::NoCommentUnexplained) {
                    return open;
                }
            }
            (true, _) => return Decision::Found(Holds::Own),
            (false, _) => {}
        }
        let is_proven = world.witness && !matches!(listing, Listing::Empty | Listing::Hidden);
        match is_proven || !self.keeps(Rule::CommentWitness) {
            true => Decision::Absent,
            false => open,
        }
    }
}
