//! Mentions in a text, made plain words: ClearFeed posts texts to Slack, where `@here` rings everybody's bell, and no
//! switch keeps it from that.

/// Comes between the sign and the name: Slack sees no name any more, and people see no difference.
const APART: char = '\u{200b}';

/// What Slack takes for a mention after `<!`.
const BROADCASTS: [&str; 4] = ["here", "channel", "everyone", "subteam"];

/// The text with its mentions as plain words. An `@` inside a word (an e-mail address) mentions nobody.
pub(super) fn neutral(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (at, sign) in text.char_indices() {
        let (before, after) = (&text[..at], &text[at + sign.len_utf8()..]);
        plain.push(sign);
        let is_mention = match sign {
            '@' => !before.ends_with(|sign: char| sign.is_alphanumeric() || "._-+".contains(sign)),
            '!' => {
                let opens = before.ends_with('<') || before.ends_with("&lt;");
                opens && BROADCASTS.iter().any(|word| after.starts_with(word))
            }
            _ => false,
        };
        if is_mention {
            plain.push(APART);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_become_words_and_addresses_stay() {
        for (text, plain) in [
            ("@here look", "@~here look"),
            (
                "ask <@U012|ann> or <!channel>",
                "ask <@~U012|ann> or <!~channel>",
            ),
            ("&lt;!subteam^S1&gt;", "&lt;!~subteam^S1&gt;"),
            ("(@ann)", "(@~ann)"),
            (
                "ann.b@acme.example, a+b@c.example",
                "ann.b@acme.example, a+b@c.example",
            ),
            ("<!-- a comment --> wow!", "<!-- a comment --> wow!"),
            ("Ref: spice-2024/4711", "Ref: spice-2024/4711"),
        ] {
            assert_eq!(neutral(text), plain.replace('~', &APART.to_string()));
        }
    }
}
