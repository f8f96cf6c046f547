//! What a filled template is made of, and what is drawn.

use super::Length;
use crate::platform::money::Currency;
use rust_decimal::Decimal;
use std::rc::Rc;

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Start,
    Middle,
    End,
}

/// How text looks; what a container says holds for what is inside.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub size: Length,
    pub bold: bool,
    pub color: Color,
    pub align: Align,
    /// Per cent of the size from line to line.
    pub leading: Length,
}

#[derive(Debug, Clone)]
pub struct Run {
    pub text: String,
    pub size: Length,
    pub bold: bool,
    pub color: Color,
}

#[derive(Debug)]
pub struct Block {
    pub line: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    Text(Paragraph),
    Stack(Stack),
    Row { columns: Vec<Column>, gap: Length },
    Table(Table),
    Rule { color: Color, thickness: Length },
    Space(Length),
    Image { picture: Rc<super::Picture>, width: Length, height: Length, align: Align },
    Code { matrix: Rc<Matrix>, size: Length, align: Align },
    NewPage,
}

#[derive(Debug)]
pub struct Paragraph {
    pub runs: Vec<Run>,
    pub align: Align,
    pub leading: Length,
}

/// Blocks one below the other.
#[derive(Debug)]
pub struct Stack {
    pub blocks: Vec<Block>,
    pub gap: Length,
    pub padding: Padding,
    pub fill: Option<Color>,
    pub border: Option<(Color, Length)>,
    pub radius: Length,
    /// On one page, as a whole.
    pub keep: bool,
}

impl Stack {
    /// Whether it is no more than its blocks, so that it may go over several pages.
    pub fn plain(&self) -> bool {
        !self.keep && self.fill.is_none() && self.border.is_none() && self.padding == Padding::default()
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Padding {
    pub top: Length,
    pub right: Length,
    pub bottom: Length,
    pub left: Length,
}

/// Of a row: a width and what stands in it.
#[derive(Debug)]
pub struct Column {
    pub width: Width,
    pub valign: Align,
    pub content: Block,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Fixed(Length),
    /// Thousandths of the whole.
    Share(Length),
    /// As wide as its widest content on one line.
    Auto,
    /// A part of what is left, by weight.
    Rest(Length),
}

#[derive(Debug)]
pub struct Table {
    pub columns: Vec<TableColumn>,
    pub head: Vec<TableRow>,
    pub rows: Vec<TableRow>,
    pub padding: Padding,
    pub rules: Rules,
    pub color: Color,
    pub thickness: Length,
    pub stripe: Option<Color>,
    /// Words before the sums at the foot of a page and at the head of the next; none where empty.
    pub carried: Option<Carry>,
}

#[derive(Debug)]
pub struct Carry {
    pub forward: String,
    pub brought: String,
    pub style: Style,
    /// Of the sums.
    pub currency: Currency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    None,
    /// Below the head and below each row.
    Rows,
    /// Around every cell.
    Grid,
    /// Around the table and between columns, but not between rows.
    Columns,
}

#[derive(Debug, Clone, Copy)]
pub struct TableColumn {
    pub width: Width,
    /// Least width of one that takes the rest.
    pub least: Length,
    pub align: Align,
}

#[derive(Debug)]
pub struct TableRow {
    pub line: usize,
    pub cells: Vec<TableCell>,
    pub fill: Option<Color>,
    /// Stays on the page of the row before.
    pub glue: bool,
}

#[derive(Debug)]
pub struct TableCell {
    pub content: Block,
    pub span: usize,
    pub valign: Align,
    pub fill: Option<Color>,
    /// What the cell adds to the sum its column carries forward.
    pub sum: Option<Decimal>,
}

/// A QR code: dark modules row by row.
#[derive(Debug, PartialEq, Eq)]
pub struct Matrix {
    pub width: usize,
    pub dark: Vec<bool>,
}

/// One thing drawn, by its place on the page: from the left, from the top.
#[derive(Debug, Clone)]
pub enum Op {
    Text { x: Length, y: Length, size: Length, bold: bool, color: Color, text: String },
    Box { x: Length, y: Length, width: Length, height: Length, fill: Option<Color>, border: Option<(Color, Length)>, radius: Length },
    Image { x: Length, y: Length, width: Length, height: Length, picture: Rc<super::Picture> },
    Code { x: Length, y: Length, size: Length, matrix: Rc<Matrix> },
}

impl Op {
    /// The same at another place.
    pub fn moved(mut self, right: Length, down: Length) -> Self {
        match &mut self {
            Self::Text { x, y, .. } | Self::Box { x, y, .. } | Self::Image { x, y, .. } | Self::Code { x, y, .. } => {
                *x += right;
                *y += down;
            }
        }
        self
    }
}

/// A page of drawn things, with the words that lie across it.
#[derive(Debug, Default)]
pub struct Page {
    pub ops: Vec<Op>,
    pub watermark: String,
}
