//! The place at the end of a page where somebody signs it.

use std::io::{self, Write};

use super::write::{Text, anchor};

/// What the section is called.
pub(super) const NAME: &str = "Signature";

/// What such a page needs besides its other look.
pub(super) const STYLE: &str = include_str!("sign.css");

/// What is signed.
#[derive(Debug)]
pub struct Signature {
    /// What the person says by signing, a paragraph each.
    pub statements: Vec<String>,
    /// What is filled in by hand: name, place, date, signature.
    pub lines: Vec<&'static str>,
}

/// Writes the section.
pub(super) fn write(signature: &Signature, out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "<section id=\"{}\" class=\"signature\">\n<h2>{NAME}</h2>\n",
        anchor(NAME)
    )?;
    for statement in &signature.statements {
        writeln!(out, "<p>{}</p>", Text(statement))?;
    }
    writeln!(out, "<dl>")?;
    for line in &signature.lines {
        writeln!(out, "<div><dt>{}</dt><dd></dd></div>", Text(line))?;
    }
    write!(out, "</dl>\n</section>\n")
}
