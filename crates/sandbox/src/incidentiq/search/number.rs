//! The numeric expressions of filters (contract incidentiq §4).

/// A number compared: `numoperator:{equals|…}:N`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Compared {
    operator: Operator,
    to: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Compared {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (operator, number) = text.strip_prefix("numoperator:")?.split_once(':')?;
        Some(Self {
            operator: match operator {
                "equals" => Operator::Equals,
                "lessthan" => Operator::Less,
                "lessthanequal" => Operator::LessEqual,
                "greaterthan" => Operator::Greater,
                "greaterthanequal" => Operator::GreaterEqual,
                _ => return None,
            },
            to: number.trim().parse().ok()?,
        })
    }

    pub(super) fn holds(self, number: f64) -> bool {
        match self.operator {
            Operator::Equals => number == self.to,
            Operator::Less => number < self.to,
            Operator::LessEqual => number <= self.to,
            Operator::Greater => number > self.to,
            Operator::GreaterEqual => number >= self.to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_word() {
        let holds = |text, number| Compared::parse(text).map(|one| one.holds(number));
        assert_eq!(holds("numoperator:greaterthan:5", 6.0), Some(true));
        assert_eq!(holds("numoperator:lessthanequal:5", 6.0), Some(false));
        assert_eq!(holds("numoperator:equals:5", 5.0), Some(true));
        assert_eq!(holds("numoperator:about:5", 5.0), None);
        assert_eq!(holds("5", 5.0), None);
    }
}
