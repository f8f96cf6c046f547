//! Templates: markup whose text and attributes hold `{{ expressions }}`, filled with the values of a document.
//!
//! | element | what it is | attributes |
//! |---|---|---|
//! | `document` | the whole; an A4 page | `margin` (one to four lengths), `size`, `color`, `leading`, `watermark` |
//! | `header` | on every page but the first; with `first="yes"` on that too | |
//! | `footer` | at the foot of every page | |
//! | `stack` | things below each other | `gap`, `padding`, `fill`, `border`, `border-width`, `radius`, `keep` |
//! | `row`, `column` | things beside each other | `gap`; `width`, `valign` |
//! | `text` | a paragraph; inside it `b` (bold), `span` (`size`, `color`, `bold`) and `br` | |
//! | `table` | `columns` with `column`s, a `head` repeated on every page, `tr`, `td` | `padding`, `rules`, `border`, `border-width`, `stripe`, `carried`, `brought` |
//! | `rule`, `space`, `image`, `qr`, `new-page` | a line, a gap, the logo, a QR code, the next page | |
//!
//! Every element takes `if="expression"` (left out when it is false, empty or undefined) and
//! `each="name in expression"` (once for each). Texts take `size`, `bold`, `color`, `align`, `leading` from around
//! them. What is undefined is empty. Lengths are points, like `12.5`; widths also `30%`, `auto` and `*` (the rest).
//! In header and footer `{{ page }}` and `{{ pages }}` count. Filters: `money` (digits grouped; `money("USD")` for another currency than INR), `upper`, `default(…)`,
//! `join(…)`, `length`, `lines`.

use super::markup::{self, Element, Node};
use super::shapes::{
    Align, Block, Carry, Color, Column, Kind, Matrix, Padding, Paragraph, Rules, Run, Stack, Style, Table, TableCell, TableColumn, TableRow, Width,
};
use super::{Fault, Length, POINT, Picture};
use crate::platform::money::Currency;
use crate::platform::text::words::grouped;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Expression, UndefinedBehavior, Value};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest template, in bytes.
pub const LONGEST: usize = 64 * 1024;
/// The longest expression: what it joins together stays small.
const LONGEST_EXPRESSION: usize = 250;
/// The longest text one place may come to, in characters.
const LONGEST_TEXT: usize = 10_000;
/// Elements a filled template may have.
const MOST_BLOCKS: usize = 400_000;
/// What a QR code costs of them.
const OF_A_CODE: usize = 1_000;
/// Characters a filled template may have.
const MOST_TEXT: usize = 8_000_000;
/// What an expression costs of that, whatever it comes to.
const OF_AN_EXPRESSION: usize = 10;
/// How long filling may take when counting does not bound it: expressions that look through large lists again and again.
const LONGEST_TIME: Duration = Duration::from_secs(20);
/// Marks in header and footer that become the page and the number of pages.
pub const PAGE: char = '\u{e000}';
pub const PAGES: char = '\u{e001}';

/// What fills a template.
pub struct Values {
    pub root: serde_json::Value,
    pub logo: Option<Rc<Picture>>,
    /// Of the sums that tables carry forward.
    pub currency: Currency,
}

/// A template that was read and found to be well formed.
pub struct Template<'s> {
    source: &'s str,
    root: Element<'s>,
}

/// A filled template, ready to be placed on pages.
#[derive(Debug)]
pub struct Filled {
    pub margin: Padding,
    pub watermark: String,
    pub header: Vec<Block>,
    pub header_first: bool,
    pub footer: Vec<Block>,
    pub body: Vec<Block>,
}

const TEXT: &[&str] = &["size", "bold", "color", "align", "leading"];

/// What each element may say of itself, and what may stand in it.
fn grammar(name: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    const BLOCKS: &[&str] = &["stack", "row", "text", "table", "rule", "space", "image", "qr", "new-page"];
    const INLINE: &[&str] = &["b", "span", "br"];
    Some(match name {
        "document" => (&["margin", "watermark", "gap"], &["stack", "row", "text", "table", "rule", "space", "image", "qr", "new-page", "header", "footer"]),
        "header" => (&["first", "gap"], BLOCKS),
        "footer" => (&["gap"], BLOCKS),
        "stack" => (&["gap", "padding", "fill", "border", "border-width", "radius", "keep"], BLOCKS),
        "row" => (&["gap"], &["column"]),
        "column" => (&["width", "least", "valign", "gap", "padding", "fill", "border", "border-width", "radius"], BLOCKS),
        "text" | "b" | "span" => (&[], INLINE),
        "table" => (&["padding", "rules", "border", "border-width", "stripe", "carried", "brought"], &["columns", "head", "tr"]),
        "columns" => (&[], &["column"]),
        "head" => (&["fill"], &["tr"]),
        "tr" => (&["fill", "glue"], &["td"]),
        "td" => (&["span", "valign", "fill", "sum", "gap"], &["stack", "row", "text", "table", "rule", "space", "image", "qr", "b", "span", "br"]),
        "rule" => (&["border-width"], &[]),
        "space" => (&["height"], &[]),
        "image" => (&["width", "height"], &[]),
        "qr" => (&["data", "width"], &[]),
        "br" | "new-page" => (&[], &[]),
        _ => return None,
    })
}

impl<'s> Template<'s> {
    /// Reads a template. What it says whatever the values are is judged here.
    pub fn read(source: &'s str) -> Result<Self, Fault> {
        if source.len() > LONGEST {
            return Err(Fault::new(1, format!("a template has at most {LONGEST} bytes")));
        }
        let root = markup::parse(source)?;
        if root.name != "document" {
            return Err(Fault::new(root.line, "a template begins with <document>"));
        }
        check(&root)?;
        let template = Self { source, root };
        // Expressions are compiled to see whether they can be.
        let environment = environment();
        Compiled::of(&environment, &template.root)?;
        Ok(template)
    }

    /// Fills it.
    pub fn fill(&self, values: &Values) -> Result<Filled, Fault> {
        debug_assert!(self.source.len() <= LONGEST);
        let environment = environment();
        let root = Compiled::of(&environment, &self.root)?;
        let filler = Filler {
            logo: values.logo.clone(),
            blocks: Cell::new(MOST_BLOCKS),
            text: Cell::new(MOST_TEXT),
            currency: values.currency,
            until: Instant::now() + LONGEST_TIME,
        };
        filler.document(&root, &value_of(&values.root))
    }
}

/// Names, attributes and places of elements.
fn check(element: &Element<'_>) -> Result<(), Fault> {
    let Some((attributes, children)) = grammar(element.name) else {
        return Err(Fault::new(element.line, format!("there is no element <{}>", element.name)));
    };
    for (name, _) in &element.attributes {
        let common = TEXT.contains(name) || matches!(*name, "if" | "each");
        if !common && !attributes.contains(name) {
            return Err(Fault::new(element.line, format!("<{}> has no attribute {name}", element.name)));
        }
    }
    let takes_text = matches!(element.name, "text" | "b" | "span" | "td");
    for child in &element.children {
        match child {
            Node::Text { text, line } if !takes_text && !text.trim().is_empty() => {
                let line = line + text.chars().take_while(|c| c.is_whitespace()).filter(|c| *c == '\n').count();
                return Err(Fault::new(line, format!("text stands in <text> or <td>, not in <{}>", element.name)));
            }
            Node::Text { .. } => {}
            Node::Element(child) => {
                if !children.contains(&child.name) && grammar(child.name).is_some() {
                    return Err(Fault::new(child.line, format!("<{}> does not stand in <{}>", child.name, element.name)));
                }
                check(child)?;
            }
        }
    }
    Ok(())
}

/// Expressions with few, small filters: nothing that could make much out of little.
fn environment<'s>() -> Environment<'s> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.add_filter("upper", |text: String| text.to_uppercase());
    environment.add_filter("default", |value: Value, other: Value| if value.is_true() { value } else { other });
    environment.add_filter("length", |value: Value| value.len().unwrap_or(0));
    environment.add_filter("lines", |value: Value| joined(&value, "\n"));
    environment.add_filter("join", |value: Value, between: String| joined(&value, &between));
    environment.add_filter("money", |value: Value, currency: Option<String>| {
        match (value.to_string().parse::<Decimal>(), Currency::parse(currency.as_deref().unwrap_or("INR"))) {
            (Ok(amount), Some(currency)) => grouped(amount, currency),
            _ => value.to_string(),
        }
    });
    environment
}

fn joined(value: &Value, between: &str) -> Result<String, Error> {
    let mut out = String::new();
    if let Ok(items) = value.try_iter() {
        for (at, item) in items.enumerate() {
            if out.len() + at > LONGEST_TEXT {
                return Err(Error::new(ErrorKind::InvalidOperation, "the list is too long to be joined"));
            }
            if !item.is_true() {
                continue;
            }
            if !out.is_empty() {
                out.push_str(between);
            }
            out.push_str(&item.to_string());
        }
    }
    Ok(out)
}

/// A piece of text: as it stands, or what an expression comes to.
enum Piece<'e, 's> {
    Plain(String),
    Value(Expression<'e, 's>, usize),
}

struct Compiled<'e, 's> {
    name: &'s str,
    line: usize,
    attributes: Vec<(&'s str, Vec<Piece<'e, 's>>)>,
    condition: Option<Expression<'e, 's>>,
    each: Option<(&'s str, Expression<'e, 's>)>,
    children: Vec<Child<'e, 's>>,
}

enum Child<'e, 's> {
    Element(Box<Compiled<'e, 's>>),
    Text(Vec<Piece<'e, 's>>),
}

fn compile<'e, 's>(environment: &'e Environment<'s>, expression: &'s str, line: usize) -> Result<Expression<'e, 's>, Fault> {
    if expression.len() > LONGEST_EXPRESSION {
        return Err(Fault::new(line, format!("an expression has at most {LONGEST_EXPRESSION} characters")));
    }
    // Lists and texts multiplied are much out of little.
    if expression.contains('*') {
        return Err(Fault::new(line, "an expression does not multiply"));
    }
    environment.compile_expression(expression).map_err(|error| {
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Fault::new(line, format!("the expression {} cannot be read: {detail}", expression.trim()))
    })
}

impl<'e, 's> Compiled<'e, 's> {
    fn of(environment: &'e Environment<'s>, element: &Element<'s>) -> Result<Self, Fault> {
        let line = element.line;
        let mut compiled = Self { name: element.name, line, attributes: Vec::new(), condition: None, each: None, children: Vec::new() };
        for (name, value) in &element.attributes {
            match *name {
                "if" => compiled.condition = Some(compile(environment, value, line)?),
                "each" => {
                    let Some((item, list)) = value.split_once(" in ") else { return Err(Fault::new(line, "each says \"name in list\"")) };
                    let item = item.trim();
                    if item.is_empty() || !item.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                        return Err(Fault::new(line, "each says \"name in list\", the name in letters"));
                    }
                    compiled.each = Some((item, compile(environment, list, line)?));
                }
                _ => compiled.attributes.push((name, pieces(environment, value, line)?)),
            }
        }
        let keeps_text = matches!(element.name, "text" | "b" | "span" | "td");
        for child in &element.children {
            match child {
                Node::Element(child) => compiled.children.push(Child::Element(Box::new(Self::of(environment, child)?))),
                Node::Text { text, line } if keeps_text => compiled.children.push(Child::Text(pieces(environment, text, *line)?)),
                Node::Text { .. } => {}
            }
        }
        Ok(compiled)
    }
}

fn pieces<'e, 's>(environment: &'e Environment<'s>, text: &'s str, line: usize) -> Result<Vec<Piece<'e, 's>>, Fault> {
    let (mut out, mut rest, mut line) = (Vec::new(), text, line);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((expression, tail)) = after.split_once("}}") else { return Err(Fault::new(line, "{{ is not closed by }}")) };
        if !before.is_empty() {
            out.push(Piece::Plain(collapse(&markup::unescape(before, line)?)));
        }
        line += before.matches('\n').count();
        out.push(Piece::Value(compile(environment, expression, line)?, line));
        line += expression.matches('\n').count();
        rest = tail;
    }
    if !rest.is_empty() {
        out.push(Piece::Plain(collapse(&markup::unescape(rest, line)?)));
    }
    Ok(out)
}

/// Line breaks and repeated blanks of the template are one blank, as in HTML.
fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() && c != '\u{a0}' {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A list or an object of the view. As a whole it is no text, so that nothing much comes of joining it to itself.
#[derive(Debug)]
enum Whole {
    List(Vec<Value>),
    Members(BTreeMap<String, Value>),
}

impl Object for Whole {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match **self {
            Self::List(_) => ObjectRepr::Seq,
            Self::Members(_) => ObjectRepr::Map,
        }
    }
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match &**self {
            Self::List(items) => items.get(key.as_usize()?).cloned(),
            Self::Members(members) => members.get(key.as_str()?).cloned(),
        }
    }
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &**self {
            Self::List(items) => Enumerator::Seq(items.len()),
            Self::Members(members) => Enumerator::Values(members.keys().map(|name| Value::from(name.as_str())).collect()),
        }
    }
    fn render(self: &Arc<Self>, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
    /// By where they are, never member by member: one comparison stays one comparison.
    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let (own, other): (*const Self, *const Self) = (Arc::as_ptr(self), other.downcast_ref::<Self>()?);
        Some(own.cmp(&other))
    }
}

fn value_of(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(flag) => Value::from(*flag),
        serde_json::Value::Number(number) => number.as_i64().map_or_else(|| Value::from(number.to_string()), Value::from),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::from_object(Whole::List(items.iter().map(value_of).collect())),
        serde_json::Value::Object(members) => Value::from_object(Whole::Members(members.iter().map(|(name, value)| (name.clone(), value_of(value))).collect())),
    }
}

/// Values with one more name.
#[derive(Debug)]
struct Scope {
    around: Value,
    name: String,
    value: Value,
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if key.as_str() == Some(&self.name) {
            return Some(self.value.clone());
        }
        self.around.get_item(key).ok().filter(|value| !value.is_undefined())
    }
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

fn with(around: &Value, name: &str, value: Value) -> Value {
    Value::from_object(Scope { around: around.clone(), name: name.to_owned(), value })
}

/// Fills elements, counting what it makes.
struct Filler {
    logo: Option<Rc<Picture>>,
    blocks: Cell<usize>,
    text: Cell<usize>,
    currency: Currency,
    until: Instant,
}

impl Filler {
    fn spend(&self, line: usize, blocks: usize, text: usize) -> Result<(), Fault> {
        let left = self.blocks.get().checked_sub(blocks).zip(self.text.get().checked_sub(text));
        let Some((blocks, text)) = left else {
            return Err(Fault::new(line, format!("the document would have more than {MOST_BLOCKS} elements or {MOST_TEXT} characters")));
        };
        self.blocks.set(blocks);
        self.text.set(text);
        Ok(())
    }

    fn evaluate(&self, expression: &Expression<'_, '_>, context: &Value, line: usize) -> Result<Value, Fault> {
        self.spend(line, 0, OF_AN_EXPRESSION)?;
        if Instant::now() > self.until {
            return Err(Fault::new(line, "the template takes too long"));
        }
        expression.eval(context.clone()).map_err(|error| Fault::new(line, error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)))
    }

    fn string(&self, pieces: &[Piece<'_, '_>], context: &Value, line: usize) -> Result<String, Fault> {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Plain(text) => out.push_str(text),
                Piece::Value(expression, line) => {
                    let value = self.evaluate(expression, context, *line)?;
                    match value.kind() {
                        ValueKind::Undefined | ValueKind::None => {}
                        ValueKind::String | ValueKind::Number | ValueKind::Bool => out.push_str(&value.to_string()),
                        kind => return Err(Fault::new(*line, format!("a {kind} is no text; name one of its members, or use each"))),
                    }
                }
            }
            if out.len() > LONGEST_TEXT {
                return Err(Fault::new(line, format!("one text has at most {LONGEST_TEXT} characters")));
            }
        }
        self.spend(line, 0, out.len())?;
        Ok(out)
    }

    /// Does something for an element as often as it shall be there.
    fn repeat(&self, element: &Compiled<'_, '_>, context: &Value, mut work: impl FnMut(&Value) -> Result<(), Fault>) -> Result<(), Fault> {
        let wanted = |context: &Value| match &element.condition {
            Some(condition) => self.evaluate(condition, context, element.line).map(|value| value.is_true()),
            None => Ok(true),
        };
        let Some((name, list)) = &element.each else {
            if wanted(context)? {
                self.spend(element.line, 1, 0)?;
                work(context)?;
            }
            return Ok(());
        };
        let list = self.evaluate(list, context, element.line)?;
        if list.is_undefined() || list.is_none() {
            return Ok(());
        }
        let items = list.try_iter().map_err(|_| Fault::new(element.line, format!("each {name} needs a list")))?;
        for item in items {
            let context = with(context, name, item);
            self.spend(element.line, 1, 0)?;
            if wanted(&context)? {
                work(&context)?;
            }
        }
        Ok(())
    }

    fn elements<'c, 'e, 's>(element: &'c Compiled<'e, 's>) -> impl Iterator<Item = &'c Compiled<'e, 's>> {
        element.children.iter().filter_map(|child| match child {
            Child::Element(element) => Some(&**element),
            Child::Text(_) => None,
        })
    }

    fn document(&self, root: &Compiled<'_, '_>, context: &Value) -> Result<Filled, Fault> {
        let says = Says { filler: self, element: root, context };
        let style = says.style(Style { size: 9 * POINT, bold: false, color: Color(26, 26, 26), align: Align::Start, leading: 135 })?;
        let mut filled = Filled {
            margin: says.padding("margin")?.unwrap_or(Padding { top: 36 * POINT, right: 36 * POINT, bottom: 36 * POINT, left: 36 * POINT }),
            watermark: says.string("watermark")?.unwrap_or_default(),
            header: Vec::new(),
            header_first: false,
            footer: Vec::new(),
            body: Vec::new(),
        };
        let gap = says.length("gap")?.unwrap_or(0);
        let numbered = with(&with(context, "page", Value::from(PAGE.to_string())), "pages", Value::from(PAGES.to_string()));
        for child in Self::elements(root) {
            match child.name {
                "header" | "footer" => self.repeat(child, &numbered, |context| {
                    let says = Says { filler: self, element: child, context };
                    let blocks = self.blocks(child, context, says.style(style)?)?;
                    if child.name == "header" {
                        filled.header = blocks;
                        filled.header_first = says.flag("first")?;
                    } else {
                        filled.footer = blocks;
                    }
                    Ok(())
                })?,
                _ => self.repeat(child, context, |context| {
                    if gap > 0 && !filled.body.is_empty() {
                        filled.body.push(Block { line: child.line, kind: Kind::Space(gap) });
                    }
                    filled.body.push(self.block(child, context, style)?);
                    Ok(())
                })?,
            }
        }
        Ok(filled)
    }

    fn blocks(&self, element: &Compiled<'_, '_>, context: &Value, style: Style) -> Result<Vec<Block>, Fault> {
        let mut blocks = Vec::new();
        for child in Self::elements(element) {
            self.repeat(child, context, |context| {
                blocks.push(self.block(child, context, style)?);
                Ok(())
            })?;
        }
        Ok(blocks)
    }

    fn block(&self, element: &Compiled<'_, '_>, context: &Value, style: Style) -> Result<Block, Fault> {
        let says = Says { filler: self, element, context };
        let style = says.style(style)?;
        let kind = match element.name {
            "text" => Kind::Text(self.paragraph(element, context, style)?),
            "stack" => Kind::Stack(self.stack(&says, style)?),
            "row" => Kind::Row { columns: self.columns(&says, style)?, gap: says.length("gap")?.unwrap_or(0) },
            "table" => Kind::Table(self.table(&says, style)?),
            "rule" => Kind::Rule { color: style.color, thickness: says.length("border-width")?.unwrap_or(POINT / 2) },
            "space" => Kind::Space(says.length("height")?.unwrap_or(6 * POINT)),
            "image" => match &self.logo {
                Some(picture) => {
                    let (width, height) = picture.within(says.length("width")?.unwrap_or(120 * POINT), says.length("height")?.unwrap_or(48 * POINT));
                    Kind::Image { picture: Rc::clone(picture), width, height, align: style.align }
                }
                None => Kind::Space(0),
            },
            "qr" => Self::code(&says, style)?,
            "new-page" => Kind::NewPage,
            other => return Err(Fault::new(element.line, format!("<{other}> cannot stand here"))),
        };
        Ok(Block { line: element.line, kind })
    }

    fn stack(&self, says: &Says<'_, '_, '_>, style: Style) -> Result<Stack, Fault> {
        let border = says.color("border")?.map(|color| Ok::<_, Fault>((color, says.length("border-width")?.unwrap_or(POINT / 2)))).transpose()?;
        Ok(Stack {
            blocks: self.blocks(says.element, says.context, style)?,
            gap: says.length("gap")?.unwrap_or(0),
            padding: says.padding("padding")?.unwrap_or_default(),
            fill: says.color("fill")?,
            border,
            radius: says.length("radius")?.unwrap_or(0),
            keep: says.flag("keep")?,
        })
    }

    fn columns(&self, says: &Says<'_, '_, '_>, style: Style) -> Result<Vec<Column>, Fault> {
        let mut columns = Vec::new();
        for child in Self::elements(says.element) {
            self.repeat(child, says.context, |context| {
                let says = Says { filler: self, element: child, context };
                let style = says.style(style)?;
                let content = Block { line: child.line, kind: Kind::Stack(self.stack(&says, style)?) };
                columns.push(Column { width: says.width("width")?.unwrap_or(Width::Rest(1_000)), valign: says.valign()?, content });
                Ok(())
            })?;
        }
        Ok(columns)
    }

    fn paragraph(&self, element: &Compiled<'_, '_>, context: &Value, style: Style) -> Result<Paragraph, Fault> {
        let mut runs = Vec::new();
        self.runs(element, context, style, &mut runs)?;
        if let Some(first) = runs.first_mut() {
            first.text = first.text.trim_start_matches([' ', '\n']).to_owned();
        }
        if let Some(last) = runs.last_mut() {
            last.text.truncate(last.text.trim_end_matches([' ', '\n']).len());
        }
        runs.retain(|run| !run.text.is_empty());
        Ok(Paragraph { runs, align: style.align, leading: style.leading })
    }

    fn runs(&self, element: &Compiled<'_, '_>, context: &Value, style: Style, runs: &mut Vec<Run>) -> Result<(), Fault> {
        for child in &element.children {
            match child {
                Child::Text(pieces) => {
                    let text = self.string(pieces, context, element.line)?;
                    runs.push(Run { text, size: style.size, bold: style.bold, color: style.color });
                }
                Child::Element(child) => self.repeat(child, context, |context| {
                    let says = Says { filler: self, element: child, context };
                    let inner = says.style(style)?;
                    match child.name {
                        "br" => {
                            runs.push(Run { text: "\n".into(), size: style.size, bold: style.bold, color: style.color });
                            Ok(())
                        }
                        "b" => self.runs(child, context, Style { bold: true, ..inner }, runs),
                        _ => self.runs(child, context, inner, runs),
                    }
                })?,
            }
        }
        Ok(())
    }

    fn code(says: &Says<'_, '_, '_>, style: Style) -> Result<Kind, Fault> {
        let data = says.string("data")?.unwrap_or_default();
        if data.is_empty() {
            return Ok(Kind::Space(0));
        }
        says.filler.spend(says.element.line, OF_A_CODE, 0)?;
        // A signed e-invoice code is long: the least correction keeps its modules large enough to be read.
        let code = qrcode::QrCode::with_error_correction_level(data.as_bytes(), if data.len() > 300 { qrcode::EcLevel::L } else { qrcode::EcLevel::M })
            .map_err(|_| Fault::new(says.element.line, "the data is too long for a QR code"))?;
        let dark = code.to_colors().into_iter().map(|color| color == qrcode::Color::Dark).collect();
        let matrix = Rc::new(Matrix { width: code.width(), dark });
        Ok(Kind::Code { matrix, size: says.length("width")?.unwrap_or(80 * POINT), align: style.align })
    }

    fn table(&self, says: &Says<'_, '_, '_>, style: Style) -> Result<Table, Fault> {
        let rules = match says.string("rules")?.as_deref() {
            None | Some("rows") => Rules::Rows,
            Some("none") => Rules::None,
            Some("grid") => Rules::Grid,
            Some("columns") => Rules::Columns,
            Some(other) => return Err(says.fault("rules", other, "none, rows, grid or columns")),
        };
        let carried = says.string("carried")?.filter(|words| !words.is_empty()).map(|forward| {
            let brought = says.string("brought")?.unwrap_or_else(|| "Brought forward".into());
            Ok::<_, Fault>(Carry { forward, brought, style, currency: self.currency })
        });
        let mut table = Table {
            columns: Vec::new(),
            head: Vec::new(),
            rows: Vec::new(),
            padding: says.padding("padding")?.unwrap_or(Padding { top: 3 * POINT, right: 4 * POINT, bottom: 3 * POINT, left: 4 * POINT }),
            rules,
            color: says.color("border")?.unwrap_or(Color(200, 204, 210)),
            thickness: says.length("border-width")?.unwrap_or(POINT / 2),
            stripe: says.color("stripe")?,
            carried: carried.transpose()?,
        };
        let mut columns = Vec::new();
        for child in Self::elements(says.element).filter(|child| child.name == "columns") {
            for column in Self::elements(child) {
                self.repeat(column, says.context, |context| {
                    let says = Says { filler: self, element: column, context };
                    let width = says.width("width")?.unwrap_or(Width::Rest(1_000));
                    columns.push(TableColumn { width, least: says.length("least")?.unwrap_or(40 * POINT), align: says.style(style)?.align });
                    Ok(())
                })?;
            }
        }
        if columns.is_empty() || columns.len() > 30 {
            return Err(Fault::new(says.element.line, "a table has 1 to 30 columns in <columns>"));
        }
        table.columns = columns;
        for child in Self::elements(says.element) {
            match child.name {
                "head" => self.repeat(child, says.context, |context| {
                    let says = Says { filler: self, element: child, context };
                    let (style, fill) = (says.style(style)?, says.color("fill")?);
                    for row in Self::elements(child) {
                        self.row(row, context, style, fill, &table.columns, &mut table.head)?;
                    }
                    Ok(())
                })?,
                "tr" => self.row(child, says.context, style, None, &table.columns, &mut table.rows)?,
                _ => {}
            }
        }
        Ok(table)
    }

    fn row(
        &self,
        element: &Compiled<'_, '_>,
        context: &Value,
        style: Style,
        fill: Option<Color>,
        columns: &[TableColumn],
        rows: &mut Vec<TableRow>,
    ) -> Result<(), Fault> {
        self.repeat(element, context, |context| {
            let says = Says { filler: self, element, context };
            let style = says.style(style)?;
            let mut row = TableRow { line: element.line, cells: Vec::new(), fill: says.color("fill")?.or(fill), glue: says.flag("glue")? };
            let mut at = 0;
            for cell in Self::elements(element) {
                self.repeat(cell, context, |context| {
                    let says = Says { filler: self, element: cell, context };
                    let Some(column) = columns.get(at) else {
                        return Err(Fault::new(cell.line, format!("the row has more cells than the table's {} columns", columns.len())));
                    };
                    let span = says.whole("span")?.unwrap_or(1).clamp(1, columns.len() - at);
                    let style = says.style(Style { align: column.align, ..style })?;
                    row.cells.push(TableCell {
                        content: self.cell(cell, context, style, says.length("gap")?.unwrap_or(0))?,
                        span,
                        valign: says.valign()?,
                        fill: says.color("fill")?,
                        sum: says.string("sum")?.and_then(|text| text.trim().parse().ok()),
                    });
                    at += span;
                    Ok(())
                })?;
            }
            rows.push(row);
            Ok(())
        })
    }

    /// Text stands in a cell as it is; other elements below each other.
    fn cell(&self, element: &Compiled<'_, '_>, context: &Value, style: Style, gap: Length) -> Result<Block, Fault> {
        let inline = Self::elements(element).all(|child| matches!(child.name, "b" | "span" | "br"));
        if inline {
            return Ok(Block { line: element.line, kind: Kind::Text(self.paragraph(element, context, style)?) });
        }
        let blocks = self.blocks(element, context, style)?;
        let stack = Stack { blocks, gap, padding: Padding::default(), fill: None, border: None, radius: 0, keep: true };
        Ok(Block { line: element.line, kind: Kind::Stack(stack) })
    }
}

/// What an element's attributes come to.
struct Says<'a, 'e, 's> {
    filler: &'a Filler,
    element: &'a Compiled<'e, 's>,
    context: &'a Value,
}

impl Says<'_, '_, '_> {
    fn fault(&self, name: &str, given: &str, expected: &str) -> Fault {
        let given: String = given.chars().take(60).collect();
        Fault::new(self.element.line, format!("{name}=\"{given}\" is not {expected}"))
    }

    fn string(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some((_, pieces)) = self.element.attributes.iter().find(|(known, _)| *known == name) else { return Ok(None) };
        self.filler.string(pieces, self.context, self.element.line).map(Some)
    }

    fn read<T>(&self, name: &str, expected: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Fault> {
        let Some(text) = self.string(name)?.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        read(text.trim()).map(Some).ok_or_else(|| self.fault(name, &text, expected))
    }

    fn length(&self, name: &str) -> Result<Option<Length>, Fault> {
        self.read(name, "a length in points like 12.5, at most 2000", length)
    }

    fn whole(&self, name: &str) -> Result<Option<usize>, Fault> {
        self.read(name, "a whole number", |text| text.parse().ok())
    }

    fn flag(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.read(name, "yes or no", flag)?.unwrap_or(false))
    }

    fn color(&self, name: &str) -> Result<Option<Color>, Fault> {
        self.read(name, "a color like #0b5394", color)
    }

    fn padding(&self, name: &str) -> Result<Option<Padding>, Fault> {
        self.read(name, "one, two or four lengths", |text| {
            let lengths = text.split_whitespace().map(length).collect::<Option<Vec<_>>>()?;
            match lengths[..] {
                [all] => Some(Padding { top: all, right: all, bottom: all, left: all }),
                [y, x] => Some(Padding { top: y, right: x, bottom: y, left: x }),
                [top, right, bottom, left] => Some(Padding { top, right, bottom, left }),
                _ => None,
            }
        })
    }

    fn width(&self, name: &str) -> Result<Option<Width>, Fault> {
        self.read(name, "a width like 40, 30%, auto or *", |text| match text {
            "auto" => Some(Width::Auto),
            "*" => Some(Width::Rest(1_000)),
            _ => match (text.strip_suffix('%'), text.strip_suffix('*')) {
                (Some(share), _) => length(share).filter(|share| *share <= 100_000).map(|share| Width::Share(share / 100)),
                (_, Some(weight)) => length(weight).map(Width::Rest),
                _ => length(text).map(Width::Fixed),
            },
        })
    }

    fn align_of(&self, name: &str, words: [&str; 3]) -> Result<Option<Align>, Fault> {
        self.read(name, &words.join(", "), |text| {
            words.iter().position(|word| *word == text).and_then(|at| [Align::Start, Align::Middle, Align::End].get(at).copied())
        })
    }

    fn valign(&self) -> Result<Align, Fault> {
        Ok(self.align_of("valign", ["top", "middle", "bottom"])?.unwrap_or(Align::Start))
    }

    fn style(&self, around: Style) -> Result<Style, Fault> {
        Ok(Style {
            size: self.read("size", "a size from 4 to 72", |text| length(text).filter(|size| (4 * POINT..=72 * POINT).contains(size)))?.unwrap_or(around.size),
            bold: self.read("bold", "yes or no", flag)?.unwrap_or(around.bold),
            color: self.color("color")?.unwrap_or(around.color),
            align: self.align_of("align", ["left", "center", "right"])?.unwrap_or(around.align),
            leading: self
                .read("leading", "per cent of the size from 80 to 300", |text| text.parse().ok().filter(|leading| (80..=300).contains(leading)))?
                .unwrap_or(around.leading),
        })
    }
}

fn length(text: &str) -> Option<Length> {
    let value = text.parse::<Decimal>().ok()?.checked_mul(Decimal::from(POINT))?.trunc().to_i64()?;
    (0..=2_000 * POINT).contains(&value).then_some(value)
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

fn color(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let part = |from: usize| digits.get(from..from + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    Some(Color(part(0)?, part(2)?, part(4)?))
}
