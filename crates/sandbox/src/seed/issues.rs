//! The tree of issues: category › type › issue.

/// Category, type, and the issues under it.
pub(super) const TREE: [(&str, &str, &[&str]); 17] = [
    (
        "Hardware",
        "Laptop",
        &[
            "Screen broken",
            "Will not turn on",
            "Keyboard or touchpad",
            "Battery does not charge",
            "Liquid damage",
        ],
    ),
    (
        "Hardware",
        "Chromebook",
        &[
            "Cracked screen",
            "Missing keys",
            "Hinge broken",
            "Will not charge",
        ],
    ),
    (
        "Hardware",
        "Printer",
        &[
            "Paper jam",
            "Out of toner",
            "Prints blank pages",
            "Cannot find printer",
        ],
    ),
    (
        "Hardware",
        "Projector",
        &["No picture", "Lamp replacement", "Remote missing"],
    ),
    (
        "Hardware",
        "Phone",
        &["No dial tone", "Voicemail", "Move a phone"],
    ),
    (
        "Software",
        "Office and e-mail",
        &[
            "Cannot open file",
            "E-mail not received",
            "Mailbox full",
            "Calendar sharing",
        ],
    ),
    (
        "Software",
        "Learning platform",
        &[
            "Class roster wrong",
            "Grades do not sync",
            "Assignment missing",
        ],
    ),
    (
        "Software",
        "Installation",
        &[
            "Install an application",
            "Update an application",
            "License expired",
        ],
    ),
    (
        "Software",
        "Operating system",
        &["Slow computer", "Update fails", "Blue screen"],
    ),
    (
        "Network",
        "Wireless",
        &["No connection", "Slow connection", "Guest access"],
    ),
    (
        "Network",
        "Wired",
        &["Dead network port", "New network drop", "Switch down"],
    ),
    (
        "Network",
        "Web filter",
        &["Blocked site", "Site should be blocked"],
    ),
    (
        "Accounts",
        "Sign-in",
        &["Forgotten password", "Locked account", "Two-factor reset"],
    ),
    (
        "Accounts",
        "Access",
        &[
            "New account",
            "Shared folder access",
            "Close an account",
            "Name change",
        ],
    ),
    (
        "Classroom",
        "Audio and video",
        &[
            "No sound",
            "Document camera",
            "Interactive board",
            "Microphone",
        ],
    ),
    (
        "Facilities",
        "Building",
        &["Heating or cooling", "Door or lock", "Lights out", "Leak"],
    ),
    ("Other", "Other", &["Other"]),
];
