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
    /// Columns through `item['…']`.
    pub(super) of_item: BTreeSet<String>,
    /// Whether `row` is used in a way that does not tell which column.
    pub(super) whole_row: bool,
    /// The filters that are used, and where first, in bytes of the text.
    pub(super) filters: BTreeMap<String, Range<usize>>,
    /// What is called with constants alone, and where: it can be tried before any row is there.
    pub(super) tried: Vec<(Tried, Range<usize>)>,
    /// Where each column is named first.
    pub(super) places: BTreeMap<String, Range<usize>>,
    /// What is compared with what, and where.
    pub(super) comparisons: Vec<(Side, Side, Range<usize>)>,
    /// What is looked for among what, and where.
    pub(super) among: Vec<(Side, Vec<Side>, Range<usize>)>,
    /// Names that are called: `date(…)`.
    pub(super) called: BTreeSet<String>,
    /// Names that stand by themselves, and where first.
    pub(super) bare: BTreeMap<String, Range<usize>>,
    /// Words of the language that stand for a value, `none` and `true`, and `loop` inside of a loop.
    pub(super) words: BTreeMap<&'static str, Range<usize>>,
    /// Texts and formats from which a date is made, and formats in which one is written.
    pub(super) dates: Vec<Written>,
    /// What is written as a date, and where.
    pub(super) dated: Vec<(Side, Range<usize>)>,
    /// Statements that would load something.
    pub(super) loads: Vec<&'static str>,
    /// Columns that are named in what is cut out of something (`Title[:80]`): the engine itself does not tell these.
    pub(super) sliced: BTreeSet<String>,
    /// Names that a template makes itself.
    pub(super) made: HashSet<String>,
    /// Whether it is looked at what is cut.
    cuts: bool,
    /// The loop variables over `rows`.
    loops: HashSet<String>,
    /// In how many loops it is looked at.
    depth: usize,
}

/// A call with constants alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// `|truncate(80)`.
    Filter,
    /// `is divisibleby(2)`.
    Test,
    /// `date('2024-01-31')`.
    Function,
}

/// A constant that is about dates.
#[derive(Debug)]
pub(super) enum Written {
    /// `date('2024-01-31', '%Y-%m-%d')`.
    Date(String, Option<String>, Range<usize>),
    /// The format of a date that the row holds.
    Read(String, Range<usize>),
    /// `|strftime('%d.%m.%Y')`.
    Format(String, Range<usize>),
}

impl Written {
    /// Where it stands.
    pub(super) fn part(&self) -> &Range<usize> {
        match self {
            Self::Date(_, _, part) | Self::Read(_, part) | Self::Format(_, part) => part,
        }
    }
}

impl Uses {
    /// Looks through a template.
    pub(super) fn template(&mut self, stmt: &Stmt<'_>) {
        match stmt {
            Stmt::Template(node) => self.body(&node.children),
            Stmt::EmitExpr(node) => self.expr(&node.expr),
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(node) => {
                self.makes(&node.target);
                self.made.insert("loop".to_owned());
                if let (Expr::Var(target), Expr::Var(iter)) = (&node.target, &node.iter)
                    && iter.id == "rows"
                {
                    self.loops.insert(target.id.to_owned());
                }
                self.expr(&node.iter);
                self.depth += 1;
                node.filter_expr.iter().for_each(|expr| self.expr(expr));
                self.body(&node.body);
                self.depth -= 1;
                self.body(&node.else_body);
            }
            Stmt::IfCond(node) => {
                self.expr(&node.expr);
                self.body(&node.true_body);
                self.body(&node.false_body);
            }
            Stmt::WithBlock(node) => {
                for (target, expr) in &node.assignments {
                    self.makes(target);
                    self.expr(expr);
                }
                self.body(&node.body);
            }
            Stmt::Set(node) => {
                self.makes(&node.target);
                self.expr(&node.expr);
            }
            Stmt::SetBlock(node) => {
                self.makes(&node.target);
                self.body(&node.body);
            }
            Stmt::AutoEscape(node) => self.body(&node.body),
            Stmt::FilterBlock(node) => {
                self.expr(&node.filter);
                self.body(&node.body);
            }
            Stmt::Macro(node) => {
                node.args.iter().for_each(|arg| self.makes(arg));
                node.defaults.iter().for_each(|expr| self.expr(expr));
                self.body(&node.body);
            }
            Stmt::CallBlock(node) => {
                self.args(&node.call.args);
                self.body(&node.macro_decl.body);
            }
            Stmt::Block(node) => self.body(&node.body),
            Stmt::Do(node) => self.args(&node.call.args),
            Stmt::Import(_) => self.loads.push("import"),
            Stmt::FromImport(_) => self.loads.push("from"),
            Stmt::Extends(_) => self.loads.push("extends"),
            Stmt::Include(_) => self.loads.push("include"),
        }
    }

    /// Notes a name that the template itself gives a value.
    fn makes(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(node) => drop(self.made.insert(node.id.to_owned())),
            Expr::List(node) => node.items.iter().for_each(|item| self.makes(item)),
            Expr::Tuple(node) => node.items.iter().for_each(|item| self.makes(item)),
            _ => {}
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
        let is_row = matches!(member(expr), Some(("row" | "rows", _)));
        if let (true, false, Some(column)) = (self.cuts, is_row, column_of(expr)) {
            self.sliced.insert(column);
            self.cuts = false;
            self.expr(expr);
            self.cuts = true;
            return;
        }
        if self.member(expr) {
            return;
        }
        match expr {
            Expr::Var(node) => {
                self.whole_row |= node.id == "row";
                self.bare
                    .entry(node.id.to_owned())
                    .or_insert_with(|| range(expr));
                if node.id == "loop" && self.depth > 0 {
                    self.words.entry("loop").or_insert_with(|| range(expr));
                }
            }
            Expr::Const(node) => {
                let word = match node.value.kind() {
                    ValueKind::None => "none",
                    ValueKind::Bool if node.value.is_true() => "true",
                    ValueKind::Bool => "false",
                    _ => return,
                };
                self.words.entry(word).or_insert_with(|| range(expr));
            }
            Expr::Slice(node) => {
                let cuts = std::mem::replace(&mut self.cuts, true);
                self.expr(&node.expr);
                for part in [&node.start, &node.stop, &node.step].into_iter().flatten() {
                    self.expr(part);
                }
                self.cuts = cuts;
            }
            Expr::UnaryOp(node) => self.expr(&node.expr),
            Expr::BinOp(node) => {
                if compares(node.op) {
                    self.compare(&node.left, &node.right);
                }
                if matches!(node.op, BinOpKind::In) {
                    self.contains(&node.left, &node.right);
                }
                self.expr(&node.left);
                self.expr(&node.right);
            }
            Expr::Compare(node) => {
                self.expr(&node.expr);
                let mut left = &node.expr;
                for op in &node.ops {
                    match op.op {
                        CompareOpKind::In | CompareOpKind::NotIn => {
                            self.contains(left, &op.expr);
                        }
                        _ => self.compare(left, &op.expr),
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
                self.tries(Tried::Filter, &node.args, range(expr));
                if let ("strftime", Some(date)) = (node.name, &node.expr) {
                    self.dated.push((side(date), range(date)));
                }
                if let ("strftime", [CallArg::Pos(format), ..]) = (node.name, &node.args[..])
                    && let Some(written) = text_of(format)
                {
                    self.dates.push(Written::Format(written, range(format)));
                }
                node.expr.iter().for_each(|expr| self.expr(expr));
                self.args(&node.args);
            }
            Expr::Test(node) => {
                self.tries(Tried::Test, &node.args, range(expr));
                if let (Some(word), [CallArg::Pos(other)]) = (test_word(node.name), &node.args[..])
                {
                    match word {
                        "in" => self.contains(&node.expr, other),
                        _ => self.compare(&node.expr, other),
                    }
                }
                self.expr(&node.expr);
                self.args(&node.args);
            }
            Expr::GetAttr(node) => self.expr(&node.expr),
            Expr::GetItem(node) => {
                self.expr(&node.expr);
                self.expr(&node.subscript_expr);
            }
            Expr::Call(node) => {
                match &node.expr {
                    Expr::Var(name) => {
                        self.called.insert(name.id.to_owned());
                        self.tries(Tried::Function, &node.args, range(expr));
                        if name.id == "date" {
                            self.date(&node.args);
                        }
                    }
                    other => self.expr(other),
                }
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

    /// Notes a call whose arguments are all constants.
    fn tries(&mut self, what: Tried, args: &[CallArg<'_>], part: Range<usize>) {
        let is_constant = |arg: &CallArg<'_>| match arg {
            CallArg::Pos(expr) | CallArg::Kwarg(_, expr) => is_constant(expr),
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => false,
        };
        if args.iter().all(is_constant) {
            self.tried.push((what, part));
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
        // What is read by a dot the engine itself tells.
        if base == "item" && matches!(expr, Expr::GetItem(_)) {
            self.of_item.insert(name.clone());
        }
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

    /// Notes the constants of `date('…', '…')`.
    fn date(&mut self, args: &[CallArg<'_>]) {
        let texts: Vec<Option<String>> = args
            .iter()
            .map(|arg| match arg {
                CallArg::Pos(expr) => text_of(expr),
                _ => None,
            })
            .collect();
        let place = |at: usize| match &args[at] {
            CallArg::Pos(expr) => range(expr),
            _ => 0..0,
        };
        match &texts[..] {
            [Some(text)] => self.dates.push(Written::Date(text.clone(), None, place(0))),
            [Some(text), Some(format)] => {
                let written = Written::Date(text.clone(), Some(format.clone()), place(0));
                self.dates.push(written);
            }
            [None, Some(format)] => self.dates.push(Written::Read(format.clone(), place(1))),
            _ => {}
        }
    }

    /// Notes what is looked for in a list or in a text: nothing in it may be of its type.
    fn contains(&mut self, left: &Expr<'_>, right: &Expr<'_>) {
        let part = range(left).start..range(right).end;
        match right {
            Expr::List(list) if !list.items.is_empty() => {
                let sides = list.items.iter().map(side).collect();
                self.among.push((side(left), sides, part));
            }
            Expr::Const(node) if node.value.kind() == ValueKind::Seq => {
                let items = node.value.try_iter().into_iter().flatten();
                let sides: Vec<Side> = items.map(|item| side_of(&item)).collect();
                if !sides.is_empty() {
                    self.among.push((side(left), sides, part));
                }
            }
            Expr::Const(node) if node.value.kind() == ValueKind::String => {
                let text = vec![Side::Known(Type::Text)];
                self.among.push((side(left), text, part));
            }
            _ => {}
        }
    }

    fn compare(&mut self, left: &Expr<'_>, right: &Expr<'_>) {
        let part = range(left).start..range(right).end;
        self.comparisons.push((side(left), side(right), part));
    }
}

fn is_constant(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Const(_) => true,
        Expr::UnaryOp(node) => is_constant(&node.expr),
        Expr::List(node) => node.items.iter().all(is_constant),
        _ => false,
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
        Expr::Const(node) => side_of(&node.value),
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

/// What a constant is.
fn side_of(value: &Value) -> Side {
    match value.kind() {
        // The empty text is what an empty cell of any type is.
        ValueKind::String if value.as_str() == Some("") => Side::Unknown,
        ValueKind::String => Side::Known(Type::Text),
        ValueKind::Number => Side::Known(Type::Number),
        ValueKind::Bool => Side::Known(Type::Bool),
        _ => Side::Unknown,
    }
}

/// A text in quotes.
fn text_of(expr: &Expr<'_>) -> Option<String> {
    match expr {
        Expr::Const(node) => node.value.as_str().map(str::to_owned),
        _ => None,
    }
}

/// The comparison that a test makes: `Seats is gt(3)`.
fn test_word(name: &str) -> Option<&'static str> {
    Some(match name {
        "eq" | "equalto" | "==" | "sameas" => "==",
        "ne" | "!=" => "!=",
        "lt" | "lessthan" | "<" => "<",
        "le" | "<=" => "<=",
        "gt" | "greaterthan" | ">" => ">",
        "ge" | ">=" => ">=",
        "in" => "in",
        _ => return None,
    })
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
        Expr::Slice(node) => {
            let part = |expr: &Option<Expr<'_>>| match expr {
                Some(expr) => inner(expr),
                None => Some(String::new()),
            };
            let mut text = format!(
                "{}[{}:{}",
                inner(&node.expr)?,
                part(&node.start)?,
                part(&node.stop)?
            );
            if node.step.is_some() {
                text.push(':');
                text.push_str(&part(&node.step)?);
            }
            text + "]"
        }
        Expr::UnaryOp(node) => match node.op {
            UnaryOpKind::Not => format!("(not {})", inner(&node.expr)?),
            UnaryOpKind::Neg => format!("(-{})", inner(&node.expr)?),
        },
        Expr::BinOp(node) => {
            let (left, right) = (inner(&node.left)?, inner(&node.right)?);
            match compare_word(node.op) {
                Some(word) => format!("{COMPARE}('{word}', {left}, {right})"),
                None if matches!(node.op, BinOpKind::In) => {
                    format!("{COMPARE}('in', {left}, {right})")
                }
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
                    "not in" => format!("(not {COMPARE}('in', {left}, {right}))"),
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
            let mut args = written(&node.args)?;
            // Which test a filter makes it takes as a text.
            let test = match node.name {
                "select" | "reject" => args.get_mut(0).zip(node.args.first()),
                "selectattr" | "rejectattr" => args.get_mut(1).zip(node.args.get(1)),
                _ => None,
            };
            if let Some((written, CallArg::Pos(test))) = test
                && let Some(word) = text_of(test).as_deref().and_then(test_word)
            {
                *written = format!("'{COMPARE}{word}'");
            }
            match args.is_empty() {
                true => format!("({base}|{})", node.name),
                false => format!("({base}|{}({}))", node.name, args.join(", ")),
            }
        }
        Expr::Test(node) => {
            let base = inner(&node.expr)?;
            match (test_word(node.name), &node.args[..]) {
                (Some(word), [CallArg::Pos(other)]) => {
                    format!("{COMPARE}('{word}', {base}, {})", inner(other)?)
                }
                _ => format!("({base} is {}{})", node.name, arguments(&node.args, true)?),
            }
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
        Expr::Map(node) => {
            let keys = all(&node.keys)?;
            let members = keys.into_iter().zip(all(&node.values)?);
            let members: Vec<String> = members
                .map(|(key, value)| format!("{key}: {value}"))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    })
}

fn all(items: &[Expr<'_>]) -> Option<Vec<String>> {
    items.iter().map(with_checked_comparisons).collect()
}

fn arguments(args: &[CallArg<'_>], may_lack: bool) -> Option<String> {
    if args.is_empty() && may_lack {
        return Some(String::new());
    }
    Some(format!("({})", written(args)?.join(", ")))
}

/// Arguments with checked comparisons, one by one.
fn written(args: &[CallArg<'_>]) -> Option<Vec<String>> {
    let inner = with_checked_comparisons;
    args.iter()
        .map(|arg| match arg {
            CallArg::Pos(expr) => inner(expr),
            CallArg::Kwarg(name, expr) => Some(format!("{name}={}", inner(expr)?)),
            CallArg::PosSplat(expr) => Some(format!("*{}", inner(expr)?)),
            CallArg::KwargSplat(expr) => Some(format!("**{}", inner(expr)?)),
        })
        .collect()
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
        ValueKind::Map => {
            let member = |key: Value| {
                let value = constant(&value.get_item(&key).ok()?)?;
                Some(format!("{}: {value}", constant(&key)?))
            };
            let members: Option<Vec<String>> = value.try_iter().ok()?.map(member).collect();
            Some(format!("{{{}}}", members?.join(", ")))
        }
        _ => None,
    }
}
