//! The file of a form (`multipart/form-data`).

/// A file as a form sends it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) content: &'a [u8],
}

/// The first part of a form that has a file's name.
pub(super) fn file<'a>(content_type: &str, body: &'a [u8]) -> Option<Part<'a>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    let boundary = format!("--{boundary}");
    let mut rest = after(body, boundary.as_bytes())?;
    loop {
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..head_end]).ok()?;
        let content = &rest[head_end + 4..];
        let end = find(content, format!("\r\n{boundary}").as_bytes())?;
        if let Some(part) = part(head, &content[..end]) {
            return Some(part);
        }
        rest = &content[end + 2 + boundary.len()..];
    }
}

fn part<'a>(head: &str, content: &'a [u8]) -> Option<Part<'a>> {
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let name = parameter(header("content-disposition")?, "filename")?;
    let kind = header("content-type").unwrap_or("application/octet-stream");
    Some(Part {
        name,
        kind: kind.to_owned(),
        content,
    })
}

/// A parameter of a header's value, with or without quotes; a semicolon in quotes ends none.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut is_quoted = false;
    let mut pieces = value.split(|sign: char| {
        is_quoted ^= sign == '"';
        sign == ';' && !is_quoted
    });
    pieces.find_map(|piece| {
        let (key, value) = piece.split_once('=')?;
        let is_it = key.trim().eq_ignore_ascii_case(name);
        is_it.then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, what)
}

fn after<'a>(text: &'a [u8], what: &[u8]) -> Option<&'a [u8]> {
    Some(&text[find(text, what)? + what.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_form_is_found_among_its_fields() {
        let body = b"--xx\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--xx\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nab\r\ncd\r\n--xx--\r\n";
        let part = file("multipart/form-data; boundary=\"xx\"", body).unwrap();
        assert_eq!(
            (part.name.as_str(), part.kind.as_str()),
            ("a.txt", "text/plain")
        );
        assert_eq!(part.content, b"ab\r\ncd");
        let named = "form-data; name=\"file\"; filename=\"a; b = c.txt\"";
        assert_eq!(parameter(named, "filename").unwrap(), "a; b = c.txt");
        assert_eq!(file("application/json", body), None);
        assert_eq!(file("multipart/form-data; boundary=yy", body), None);
    }
}
