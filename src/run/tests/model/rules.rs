//! The rules of the protocol, each of which can be taken away.

/// The rules of the protocol, in the order of docs/delivery.md. Each says what is believed without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    /// The intent is durable before the request leaves; else a crash leaves no trace.
    IntentFirst,
    /// An answer that says nothing leaves a doubt; else it is a reason to send again.
    UnclearIsDoubt,
    /// 202 names nothing that was made; else it is a creation.
    AcceptedIsDoubt,
    /// A refusal counts in a proven shape alone; else its status is proof.
    ProvenShape,
    /// What was sent and is not done is looked up before it goes again; else `runs retry` sends it.
    LookBeforeAgain,
    /// An id that another row holds is not believed; else the answer is.
    OwnAnswer,
    /// Only an intent whose request never left is taken back; else Ctrl-C is proof.
    OnlyTheUnsentIsWithdrawn,
    /// A row in doubt is looked up before it is sent again; else a restart sends it.
    LookFirst,
    /// Not before the latest commit.
    WaitForTheCommit,
    /// Nor before what was committed must show.
    WaitForTheListing,
    /// After a restart the whole wait runs from its beginning; else the ledger's time of the intent counts.
    WaitAfterRestart,
    /// A reference counts in its place alone; else anywhere in a text.
    InPlace,
    /// A reference under another title leaves a doubt; else it is the row's.
    SameTitle,
    /// A ticket that the ledger holds for another row is no hit.
    HeldIsNoHit,
    /// Not found counts only where another ticket was found by its marker.
    Control,
    /// Nor while a ticket is left that may be the row's without showing it.
    NothingUnexplained,
    /// Nor in a list without a proven end.
    Whole,
    /// A comment is absent only where another one was listed back.
    CommentWitness,
    /// Nor while a comment is left that may be it.
    NoCommentUnexplained,
    /// One run at a time, by locks.
    OneRun,
    /// Where locks do not reach, a run that was overtaken writes no intent any more.
    Overtaken,
    /// The ledger may be old: a run of a known scope looks before it sends.
    OldLedger,
    /// Each run looks for tickets of another state folder.
    LookAround,
    /// Rows that were in doubt are looked at once more for duplicates.
    Sweep,
}

pub(super) const RULES: [Rule; 24] = [
    Rule::IntentFirst,
    Rule::UnclearIsDoubt,
    Rule::AcceptedIsDoubt,
    Rule::ProvenShape,
    Rule::LookBeforeAgain,
    Rule::OwnAnswer,
    Rule::OnlyTheUnsentIsWithdrawn,
    Rule::LookFirst,
    Rule::WaitForTheCommit,
    Rule::WaitForTheListing,
    Rule::WaitAfterRestart,
    Rule::InPlace,
    Rule::SameTitle,
    Rule::HeldIsNoHit,
    Rule::Control,
    Rule::NothingUnexplained,
    Rule::Whole,
    Rule::CommentWitness,
    Rule::NoCommentUnexplained,
    Rule::OneRun,
    Rule::Overtaken,
    Rule::OldLedger,
    Rule::LookAround,
    Rule::Sweep,
];
