//! What a template or a condition reads and compares, found on its syntax tree.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, Stmt, UnaryOpKind};
use minijinja::value::{Value, ValueKind};

/// The name of the function that conditions compare with.
pub(super) const COMPARE: &str = "__compare";

/// What one side of a comparison is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Side {
    /// The value of a column.
    Column(String),
    /// Text, a number, a date, a truth: known from the expression itself.
    Known(Type),
    /// Only the row can tell.
    Unknown,
}

/// The type of a value as far as comparing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Number,
    Date,
    Bool,
}

impl Type {
    /// With its article, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Date => "a date",
            Self::Bool => "a truth",
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Columns through `row['…']` and `row.…`.
    pub(super) row: BTreeSet<String>,
    /// Columns of the rows of a group (`r['…']` in `{% for r in rows %}`).
    pub(super) rows: BTreeSet<String>,
    /// Whether `row` is used in a way that does not tell which column.
    pub(super) whole_row: bool,
    /// The filters that are used, and where first, in bytes of the text.
    pub(super) filters: BTreeMap<String, Range<usize>>,
    /// Where each column is named first.
    pub(super) places: BTreeMap<String, Range<usize>>,
    /// What is compared with what, and where.
    pub(super) comparisons: Vec<(Side, Side, Range<usize>)>,
    /// The loop variables over `rows`.
    loops: HashSet<String>,
}

impl Uses {
    /// Looks through a template.
    pub(super) fn template(&mut self, stmt: &Stmt<'_>) {
        match stmt {
            Stmt::Template(node) => self.body(&node.children),
            Stmt::EmitExpr(node) => self.expr(&node.expr),
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(node) => {
                if let (Expr::Var(target), Expr::Var(iter)) = (&node.target, &node.iter)
                    && iter.id == "rows"
                {
                    self.loops.insert(target.id.to_owned());
                }
                self.expr(&node.iter);
                node.filter_expr.iter().for_each(|expr| self.expr(expr));
                self.body(&node.body);
                self.body(&node.else_body);
            }
            Stmt::IfCond(node) => {
                self.expr(&node.expr);
                self.body(&node.true_body);
                self.body(&node.false_body);
            }
            Stmt::WithBlock(node) => {
                node.assignments
                    .iter()
                    .for_each(|(_, expr)| self.expr(expr));
                self.body(&node.body);
            }
            Stmt::Set(node) => self.expr(&node.expr),
            Stmt::SetBlock(node) => self.body(&node.body),
            Stmt::AutoEscape(node) => self.body(&node.body),
            Stmt::FilterBlock(node) => {
                self.expr(&node.filter);
                self.body(&node.body);
            }
            Stmt::Macro(node) => self.body(&node.body),
            Stmt::CallBlock(node) => self.body(&node.macro_decl.body),
            Stmt::Block(node) => self.body(&node.body),
            Stmt::Do(node) => self.args(&node.call.args),
            Stmt::Import(_) | Stmt::FromImport(_) | Stmt::Extends(_) | Stmt::Include(_) => {}
        }
    }

    fn body(&mut self, body: &[Stmt<'_>]) {
        body.iter().for_each(|stmt| self.template(stmt));
    }

    /// Looks through an expression.
    pub(super) fn expr(&mut self, expr: &Expr<'_>) {
        if let Some(column) = column_of(expr) {
            self.places.entry(column).or_insert_with(|| range(expr));
        }
        if self.member(expr) {
            return;
        }
        match expr {
            Expr::Var(node) => self.whole_row |= node.id == "row",
            Expr::Const(_) => {}
            Expr::Slice(node) => {
                self.expr(&node.expr);
                for part in [&node.start, &node.stop, &node.step].into_iter().flatten() {
                    self.expr(part);
                }
            }
            Expr::UnaryOp(node) => self.expr(&node.expr),
            Expr::BinOp(node) => {
                if compares(node.op) {
                    self.compare(&node.left, &node.right);
                }
                self.expr(&node.left);
                self.expr(&node.right);
            }
            Expr::Compare(node) => {
                self.expr(&node.expr);
                let mut left = &node.expr;
                for op in &node.ops {
                    if !matches!(op.op, CompareOpKind::In | CompareOpKind::NotIn) {
                        self.compare(left, &op.expr);
                    }
                    self.expr(&op.expr);
                    left = &op.expr;
                }
            }
            Expr::IfExpr(node) => {
                self.expr(&node.test_expr);
                self.expr(&node.true_expr);
                node.false_expr.iter().for_each(|expr| self.expr(expr));
            }
            Expr::Filter(node) => {
                // It begins with its name.
                let start = range(expr).start;
                let place = || start..start + node.name.len();
                self.filters
                    .entry(node.name.to_owned())
                    .or_insert_with(place);
                node.expr.iter().for_each(|expr| self.expr(expr));
                self.args(&node.args);
            }
            Expr::Test(node) => {
                self.expr(&node.expr);
                self.args(&node.args);
            }
            Expr::GetAttr(node) => self.expr(&node.expr),
            Expr::GetItem(node) => {
                self.expr(&node.expr);
                self.expr(&node.subscript_expr);
            }
            Expr::Call(node) => {
                self.expr(&node.expr);
                self.args(&node.args);
            }
            Expr::List(node) => node.items.iter().for_each(|expr| self.expr(expr)),
            Expr::Tuple(node) => node.items.iter().for_each(|expr| self.expr(expr)),
            Expr::Map(node) => {
                node.keys.iter().for_each(|expr| self.expr(expr));
                node.values.iter().for_each(|expr| self.expr(expr));
            }
        }
    }

    fn args(&mut self, args: &[CallArg<'_>]) {
        for arg in args {
            match arg {
                CallArg::Pos(expr)
                | CallArg::Kwarg(_, expr)
                | CallArg::PosSplat(expr)
                | CallArg::KwargSplat(expr) => self.expr(expr),
            }
        }
    }

    /// Notes `row['…']`, `row.…` and the same on a row of `rows`; whether it was one.
    fn member(&mut self, expr: &Expr<'_>) -> bool {
        let Some((base, name)) = member(expr) else {
            return false;
        };
        if base == "row" {
            self.row.insert(name);
            true
        } else if self.loops.contains(base) {
            self.places
                .entry(name.clone())
                .or_insert_with(|| range(expr));
            self.rows.insert(name);
            true
        } else {
            false
        }
    }

    fn compare(&mut self, left: &Expr<'_>, right: &Expr<'_>) {
        let part = range(left).start..range(right).end;
        self.comparisons.push((side(left), side(right), part));
    }
}

/// Where an expression stands, in bytes of the text.
pub(super) fn range(expr: &Expr<'_>) -> Range<usize> {
    let span = expr.span();
    span.start_offset as usize..span.end_offset as usize
}

/// `base['name']` and `base.name`.
fn member<'e>(expr: &'e Expr<'_>) -> Option<(&'e str, String)> {
    match expr {
        Expr::GetItem(node) => match (&node.expr, &node.subscript_expr) {
            (Expr::Var(base), Expr::Const(name)) => {
                Some((base.id, name.value.as_str()?.to_owned()))
            }
            _ => None,
        },
        Expr::GetAttr(node) => match &node.expr {
            Expr::Var(base) => Some((base.id, node.name.to_owned())),
            _ => None,
        },
        _ => None,
    }
}

/// The column that an expression is, where it is nothing else: a name, `a.b`, `row['…']`.
pub(super) fn column_of(expr: &Expr<'_>) -> Option<String> {
    match member(expr) {
        Some(("row", name)) => return Some(name),
        Some(("rows", _)) => return None,
        _ => {}
    }
    match expr {
        Expr::Var(node) if !matches!(node.id, "row" | "rows") => Some(node.id.to_owned()),
        Expr::GetAttr(node) => Some(format!("{}.{}", column_of(&node.expr)?, node.name)),
        _ => None,
    }
}

fn side(expr: &Expr<'_>) -> Side {
    if let Some(column) = column_of(expr) {
        return Side::Column(column);
    }
    match expr {
        Expr::Const(node) => match node.value.kind() {
            // The empty text is what an empty cell of any type is.
            ValueKind::String if node.value.as_str() == Some("") => Side::Unknown,
            ValueKind::String => Side::Known(Type::Text),
            ValueKind::Number => Side::Known(Type::Number),
            ValueKind::Bool => Side::Known(Type::Bool),
            _ => Side::Unknown,
        },
        Expr::Call(node) => match &node.expr {
            Expr::Var(name) if name.id == "date" => Side::Known(Type::Date),
            _ => Side::Unknown,
        },
        Expr::Filter(node) => match node.name {
            "lower" | "upper" | "trim" | "title" | "capitalize" | "replace" | "string"
            | "strftime" | "join" => Side::Known(Type::Text),
            "int" | "float" | "length" | "count" | "round" | "abs" => Side::Known(Type::Number),
            _ => Side::Unknown,
        },
        Expr::UnaryOp(node) => match node.op {
            UnaryOpKind::Not => Side::Known(Type::Bool),
            UnaryOpKind::Neg => side(&node.expr),
        },
        _ => Side::Unknown,
    }
}

fn compares(op: BinOpKind) -> bool {
    compare_word(op).is_some()
}

fn compare_word(op: BinOpKind) -> Option<&'static str> {
    Some(match op {
        BinOpKind::Eq => "==",
        BinOpKind::Ne => "!=",
        BinOpKind::Lt => "<",
        BinOpKind::Lte => "<=",
        BinOpKind::Gt => ">",
        BinOpKind::Gte => ">=",
        _ => return None,
    })
}

/// The expression with its comparisons turned into calls of [`COMPARE`], which judges the types of each row's
/// values: MiniJinja itself orders a text and a number by their types without a word. `None` where the
/// expression uses what is not printed here; it is then run as written.
pub(super) fn with_checked_comparisons(expr: &Expr<'_>) -> Option<String> {
    let inner = with_checked_comparisons;
    Some(match expr {
        Expr::Var(node) => node.id.to_owned(),
        Expr::Const(node) => constant(&node.value)?,
        Expr::Slice(_) => return None,
        Expr::UnaryOp(node) => match node.op {
            UnaryOpKind::Not => format!("(not {})", inner(&node.expr)?),
            UnaryOpKind::Neg => format!("(-{})", inner(&node.expr)?),
        },
        Expr::BinOp(node) => {
            let (left, right) = (inner(&node.left)?, inner(&node.right)?);
            match compare_word(node.op) {
                Some(word) => format!("{COMPARE}('{word}', {left}, {right})"),
                None => format!("({left} {} {right})", operator(node.op)),
            }
        }
        Expr::Compare(node) => {
            let mut parts = Vec::new();
            let mut left = inner(&node.expr)?;
            for op in &node.ops {
                let right = inner(&op.expr)?;
                let word = match op.op {
                    CompareOpKind::Eq => "==",
                    CompareOpKind::Ne => "!=",
                    CompareOpKind::Lt => "<",
                    CompareOpKind::Lte => "<=",
                    CompareOpKind::Gt => ">",
                    CompareOpKind::Gte => ">=",
                    CompareOpKind::In => "in",
                    CompareOpKind::NotIn => "not in",
                };
                parts.push(match word {
                    "in" | "not in" => format!("({left} {word} {right})"),
                    _ => format!("{COMPARE}('{word}', {left}, {right})"),
                });
                left = right;
            }
            format!("({})", parts.join(" and "))
        }
        Expr::IfExpr(node) => {
            let (yes, test) = (inner(&node.true_expr)?, inner(&node.test_expr)?);
            match &node.false_expr {
                Some(no) => format!("({yes} if {test} else {})", inner(no)?),
                None => format!("({yes} if {test})"),
            }
        }
        Expr::Filter(node) => {
            let base = inner(node.expr.as_ref()?)?;
            format!("({base}|{}{})", node.name, arguments(&node.args, true)?)
        }
        Expr::Test(node) => {
            let base = inner(&node.expr)?;
            format!("({base} is {}{})", node.name, arguments(&node.args, true)?)
        }
        Expr::GetAttr(node) => format!("{}.{}", inner(&node.expr)?, node.name),
        Expr::GetItem(node) => {
            format!("{}[{}]", inner(&node.expr)?, inner(&node.subscript_expr)?)
        }
        Expr::Call(node) => {
            format!("{}{}", inner(&node.expr)?, arguments(&node.args, false)?)
        }
        Expr::List(node) => format!("[{}]", all(&node.items)?.join(", ")),
        Expr::Tuple(node) => {
            let items = all(&node.items)?;
            items
                .iter()
                .fold("(".to_owned(), |text, item| text + item + ", ")
                + ")"
        }
        Expr::Map(_) => return None,
    })
}

fn all(items: &[Expr<'_>]) -> Option<Vec<String>> {
    items.iter().map(with_checked_comparisons).collect()
}

fn arguments(args: &[CallArg<'_>], may_lack: bool) -> Option<String> {
    if args.is_empty() && may_lack {
        return Some(String::new());
    }
    let args: Option<Vec<String>> = args
        .iter()
        .map(|arg| match arg {
            CallArg::Pos(expr) => with_checked_comparisons(expr),
            CallArg::Kwarg(name, expr) => {
                Some(format!("{name}={}", with_checked_comparisons(expr)?))
            }
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => None,
        })
        .collect();
    Some(format!("({})", args?.join(", ")))
}

fn operator(op: BinOpKind) -> &'static str {
    match op {
        BinOpKind::ScAnd => "and",
        BinOpKind::ScOr => "or",
        BinOpKind::Add => "+",
        BinOpKind::Sub => "-",
        BinOpKind::Mul => "*",
        BinOpKind::Div => "/",
        BinOpKind::FloorDiv => "//",
        BinOpKind::Rem => "%",
        BinOpKind::Pow => "**",
        BinOpKind::Concat => "~",
        BinOpKind::In => "in",
        other => compare_word(other).unwrap_or("=="),
    }
}

fn constant(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::String => {
            let text = value.as_str()?;
            let escaped = text
                .replace('\\', "\\\\")
                .replace('\'', "\\'")
                .replace('\n', "\\n")
                .replace('\r', "\\r")
                .replace('\t', "\\t");
            Some(format!("'{escaped}'"))
        }
        ValueKind::Number | ValueKind::Bool => Some(value.to_string()),
        ValueKind::None => Some("none".to_owned()),
        ValueKind::Seq => {
            let items: Option<Vec<String>> =
                value.try_iter().ok()?.map(|item| constant(&item)).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        _ => None,
    }
}
