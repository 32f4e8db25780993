//! Which shapes of refusals ClearFeed is known for.

use crate::systems::shape::Shape;

/// The contract shows no error body. What counts is the form of the framework that such APIs are built with — status,
/// message and the status in words, all three and nothing else —, where the status of the body is that of the answer
/// (`Shape` marks one that is not). A proxy or a filter does not speak so. Every other form is proven at the tenant.
pub(super) fn are_documented(shape: &Shape) -> bool {
    let statuses = [400, 401, 403, 404, 405, 409, 422, 429];
    shape.http == shape.status
        && statuses.contains(&shape.status)
        && shape.has(&["statusCode", "message", "error"], &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_form_counts() {
        let parse = |text: &str| text.parse::<Shape>().unwrap();
        assert!(are_documented(&parse(
            "create 400/400 json error,message,statusCode"
        )));
        for other in [
            "create 400/400 json error",
            "create 400/400 json message,statusCode",
            "create 400/400 json error,message,status!,statusCode",
            "create 400/400 json error,id,message,statusCode",
            "create 302/302 json error,message,statusCode",
            "create 200/400 json error,message,statusCode",
            "create 400/400 html ",
        ] {
            assert!(!are_documented(&parse(other)), "{other}");
        }
    }
}
