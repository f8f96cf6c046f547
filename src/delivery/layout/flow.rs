//! Places blocks on pages.

use super::face::{Faces, begins};
use super::shapes::{Align, Block, Color, Column, Kind, Op, Padding, Page, Paragraph, Rules, Run, Stack, Style, Table, TableCell, TableRow, Width};
use super::template::Filled;
use super::{Fault, Length, POINT};
use crate::platform::text::words::grouped;
use rust_decimal::Decimal;

/// A4.
pub const WIDTH: Length = 595_276;
pub const HEIGHT: Length = 841_890;
/// Pages one document may have.
const MOST_PAGES: usize = 500;
/// Per cent to which the text of a table may shrink so that its figures stay on one line.
const SMALLEST: Length = 55;
const PT: Length = POINT;

/// What was placed: how high it is, and what is drawn from its upper left corner.
#[derive(Default)]
struct Laid {
    height: Length,
    ops: Vec<Op>,
}

/// Puts a filled template on pages.
pub fn paginate(filled: &Filled) -> Result<Vec<Page>, Fault> {
    let faces = Faces::get();
    let margin = filled.margin;
    let width = WIDTH - margin.left - margin.right;
    if width < 72 * PT || HEIGHT - margin.top - margin.bottom < 144 * PT {
        return Err(Fault::new(1, "the margins leave no room"));
    }
    let layout = Layout { faces };
    let header = layout.stack(&filled.header, 0, width, 100)?;
    let footer = layout.stack(&filled.footer, 0, width, 100)?;
    let bottom = HEIGHT - margin.bottom - footer.height;
    if bottom - margin.top - header.height < 100 * PT {
        return Err(Fault::new(1, "header and footer leave no room between them"));
    }
    let mut pager = Pager { layout, filled, header, footer, bottom, width, y: 0, pages: Vec::new() };
    pager.page(1)?;
    pager.flow(&filled.body)?;
    // A page that holds nothing of its own comes of a last gap or break.
    let own = |page: &Page| page.ops.len() > pager.header.ops.len();
    if pager.pages.len() > 1 && pager.pages.last().is_some_and(|page| !own(page)) {
        pager.pages.pop();
    }
    let top = HEIGHT - margin.bottom - pager.footer.height;
    for page in &mut pager.pages {
        page.ops.extend(pager.footer.ops.iter().cloned().map(|op| op.moved(margin.left, top)));
        page.watermark.clone_from(&filled.watermark);
    }
    Ok(pager.pages)
}

struct Pager<'a> {
    layout: Layout,
    filled: &'a Filled,
    header: Laid,
    footer: Laid,
    /// Where the footer begins.
    bottom: Length,
    width: Length,
    y: Length,
    pages: Vec<Page>,
}

impl Pager<'_> {
    fn page(&mut self, line: usize) -> Result<(), Fault> {
        if self.pages.len() == MOST_PAGES {
            return Err(Fault::new(line, format!("the document would have more than {MOST_PAGES} pages")));
        }
        let mut page = Page::default();
        self.y = self.filled.margin.top;
        if !self.pages.is_empty() || self.filled.header_first {
            page.ops.extend(self.header.ops.iter().cloned().map(|op| op.moved(self.filled.margin.left, self.filled.margin.top)));
            self.y += self.header.height;
        }
        self.pages.push(page);
        Ok(())
    }

    /// Where a fresh page begins.
    fn top(&self) -> Length {
        let first = self.pages.len() == 1 && !self.filled.header_first;
        self.filled.margin.top + if first { 0 } else { self.header.height }
    }

    fn put(&mut self, laid: Laid) {
        let (left, y) = (self.filled.margin.left, self.y);
        if let Some(page) = self.pages.last_mut() {
            page.ops.extend(laid.ops.into_iter().map(|op| op.moved(left, y)));
        }
        self.y += laid.height;
    }

    /// Puts it here if it fits, else at the head of the next page.
    fn place(&mut self, laid: Laid, line: usize) -> Result<(), Fault> {
        if self.y + laid.height > self.bottom && self.y > self.top() {
            self.page(line)?;
        }
        if self.y + laid.height > self.bottom {
            return Err(Fault::new(line, "this is higher than a page"));
        }
        self.put(laid);
        Ok(())
    }

    fn flow(&mut self, blocks: &[Block]) -> Result<(), Fault> {
        for block in blocks {
            match &block.kind {
                Kind::NewPage if self.y > self.top() => self.page(block.line)?,
                Kind::NewPage => {}
                // A gap is none at the head or foot of a page.
                Kind::Space(height) => {
                    if self.y > self.top() {
                        self.y = (self.y + height).min(self.bottom);
                    }
                }
                Kind::Stack(stack) if stack.plain() => {
                    for (at, block) in stack.blocks.iter().enumerate() {
                        if at > 0 && self.y > self.top() {
                            self.y = (self.y + stack.gap).min(self.bottom);
                        }
                        self.flow(std::slice::from_ref(block))?;
                    }
                }
                Kind::Text(paragraph) => {
                    for line in self.layout.lines(paragraph, self.width, 100) {
                        self.place(line, block.line)?;
                    }
                }
                Kind::Table(table) => self.table(table, block.line)?,
                _ => {
                    let laid = self.layout.block(block, self.width, 100)?;
                    self.place(laid, block.line)?;
                }
            }
        }
        Ok(())
    }

    /// A table over as many pages as it needs: its head on each, sums carried from one to the next.
    fn table(&mut self, table: &Table, line: usize) -> Result<(), Fault> {
        let grid = self.layout.grid(table, self.width)?;
        let head = self.layout.rows(table, &grid, &table.head, true, 0)?;
        let head_height: Length = head.iter().map(|row| row.height).sum();
        let rows = self.layout.rows(table, &grid, &table.rows, false, 0)?;
        let mut sums = vec![None; table.columns.len()];
        let carry = table.carried.as_ref().filter(|_| table.rows.iter().any(|row| row.cells.iter().any(|cell| cell.sum.is_some())));
        // Every sum is as high as every other.
        let carry_height = match carry {
            Some(carry) => self.layout.carried(table, &grid, carry, &carry.forward, &sums)?.height,
            None => 0,
        };
        let mut units: Vec<Vec<(&TableRow, Laid)>> = Vec::new();
        for (row, laid) in table.rows.iter().zip(rows) {
            match units.last_mut() {
                Some(unit) if row.glue => unit.push((row, laid)),
                _ => units.push(vec![(row, laid)]),
            }
        }
        let height = |unit: &[(&TableRow, Laid)]| unit.iter().map(|(_, laid)| laid.height).sum::<Length>();
        let reserve = |more: bool| if more { carry_height } else { 0 };
        let first = units.first().map_or(0, |unit| height(unit)) + reserve(units.len() > 1);
        if self.y + head_height + first > self.bottom && self.y > self.top() {
            self.page(line)?;
        }
        self.put_all(&head);
        let mut on_page = 0;
        let count = units.len();
        for (at, unit) in units.into_iter().enumerate() {
            let needed = height(&unit) + reserve(at + 1 < count);
            if self.y + needed > self.bottom {
                if on_page > 0
                    && let Some(carry) = carry
                {
                    let row = self.layout.carried(table, &grid, carry, &carry.forward, &sums)?;
                    self.put(row);
                }
                if on_page > 0 || self.y > self.top() + head_height {
                    self.page(line)?;
                    self.put_all(&head);
                    if let Some(carry) = carry.filter(|_| at > 0) {
                        let row = self.layout.carried(table, &grid, carry, &carry.brought, &sums)?;
                        self.put(row);
                    }
                    on_page = 0;
                }
                if self.y + height(&unit) > self.bottom {
                    return Err(Fault::new(unit.first().map_or(line, |(row, _)| row.line), "this row is higher than a page"));
                }
            }
            for (row, laid) in unit {
                let mut column = 0;
                for cell in &row.cells {
                    if let (Some(sum), Some(total)) = (cell.sum, sums.get_mut(column)) {
                        let so_far: Decimal = total.unwrap_or_default();
                        *total = Some(so_far.checked_add(sum).unwrap_or(so_far));
                    }
                    column += cell.span;
                }
                self.put(laid);
                on_page += 1;
            }
        }
        Ok(())
    }

    fn put_all(&mut self, rows: &[Laid]) {
        for row in rows {
            self.put(Laid { height: row.height, ops: row.ops.clone() });
        }
    }
}

/// Columns of a table as they come out.
struct Grid {
    widths: Vec<Length>,
    /// Per cent of the size of its text.
    scale: Length,
}

struct Layout {
    faces: &'static Faces,
}

impl Layout {
    fn stack(&self, blocks: &[Block], gap: Length, width: Length, scale: Length) -> Result<Laid, Fault> {
        let mut whole = Laid::default();
        for block in blocks {
            let laid = self.block(block, width, scale)?;
            if laid.height == 0 && laid.ops.is_empty() {
                continue;
            }
            if !whole.ops.is_empty() || whole.height > 0 {
                whole.height += gap;
            }
            let down = whole.height;
            whole.ops.extend(laid.ops.into_iter().map(|op| op.moved(0, down)));
            whole.height += laid.height;
        }
        Ok(whole)
    }

    fn block(&self, block: &Block, width: Length, scale: Length) -> Result<Laid, Fault> {
        Ok(match &block.kind {
            Kind::Text(paragraph) => {
                let mut whole = Laid::default();
                for line in self.lines(paragraph, width, scale) {
                    let down = whole.height;
                    whole.ops.extend(line.ops.into_iter().map(|op| op.moved(0, down)));
                    whole.height += line.height;
                }
                whole
            }
            Kind::Stack(stack) => self.boxed(stack, width, scale)?,
            Kind::Row { columns, gap } => self.row(columns, *gap, width, scale, block.line)?,
            Kind::Table(table) => {
                let grid = self.grid(table, width)?;
                let mut whole = Laid::default();
                for row in self.rows(table, &grid, &table.head, true, 0)?.into_iter().chain(self.rows(table, &grid, &table.rows, false, 0)?) {
                    let down = whole.height;
                    whole.ops.extend(row.ops.into_iter().map(|op| op.moved(0, down)));
                    whole.height += row.height;
                }
                whole
            }
            Kind::Rule { color, thickness } => {
                Laid { height: *thickness, ops: vec![Op::Box { x: 0, y: 0, width, height: *thickness, fill: Some(*color), border: None, radius: 0 }] }
            }
            Kind::Space(height) => Laid { height: *height, ops: Vec::new() },
            Kind::Image { picture, width: own, height, align } => {
                let own_width = (*own).min(width);
                let own_height = if *own > 0 { height * own_width / own } else { *height };
                let x = aligned(*align, width, own_width);
                Laid { height: own_height, ops: vec![Op::Image { x, y: 0, width: own_width, height: own_height, picture: picture.clone() }] }
            }
            Kind::Code { matrix, size, align } => {
                let size = (*size).min(width);
                Laid { height: size, ops: vec![Op::Code { x: aligned(*align, width, size), y: 0, size, matrix: matrix.clone() }] }
            }
            Kind::NewPage => Laid::default(),
        })
    }

    /// A stack in its frame.
    fn boxed(&self, stack: &Stack, width: Length, scale: Length) -> Result<Laid, Fault> {
        let Padding { top, right, bottom, left } = stack.padding;
        let inside = self.stack(&stack.blocks, stack.gap, (width - left - right).max(0), scale)?;
        if inside.ops.is_empty() && inside.height == 0 && stack.plain() {
            return Ok(Laid::default());
        }
        let height = inside.height + top + bottom;
        let mut ops = Vec::with_capacity(inside.ops.len() + 1);
        if stack.fill.is_some() || stack.border.is_some() {
            ops.push(Op::Box { x: 0, y: 0, width, height, fill: stack.fill, border: stack.border, radius: stack.radius });
        }
        ops.extend(inside.ops.into_iter().map(|op| op.moved(left, top)));
        Ok(Laid { height, ops })
    }

    fn row(&self, columns: &[Column], gap: Length, width: Length, scale: Length, line: usize) -> Result<Laid, Fault> {
        let gaps = gap * Length::try_from(columns.len().saturating_sub(1)).unwrap_or(0);
        let room = width - gaps;
        let natural = |at: usize| columns.get(at).map_or(0, |column| self.natural(&column.content, scale));
        let widths = shared(columns.iter().map(|column| (column.width, 0)), room, natural);
        let Some(widths) = widths.filter(|widths| widths.iter().sum::<Length>() <= room + PT) else {
            return Err(Fault::new(line, "the columns of this row are wider than the page"));
        };
        let mut laid = Vec::with_capacity(columns.len());
        for (column, width) in columns.iter().zip(widths) {
            laid.push((column, width, self.block(&column.content, width, scale)?));
        }
        let height = laid.iter().map(|(.., laid)| laid.height).max().unwrap_or(0);
        let (mut ops, mut x) = (Vec::new(), 0);
        for (column, width, mut laid) in laid {
            let framed = matches!(&column.content.kind, Kind::Stack(stack) if stack.fill.is_some() || stack.border.is_some());
            // Frames beside each other are equally high.
            if let (true, Some(Op::Box { height: own, .. })) = (framed, laid.ops.first_mut()) {
                *own = height;
            }
            let down = if framed { 0 } else { aligned(column.valign, height, laid.height) };
            ops.extend(laid.ops.into_iter().map(|op| op.moved(x, down)));
            x += width + gap;
        }
        Ok(Laid { height, ops })
    }

    /// How wide something is when nothing in it is broken.
    fn natural(&self, block: &Block, scale: Length) -> Length {
        match &block.kind {
            Kind::Text(paragraph) => {
                let (mut widest, mut line) = (0, 0);
                for run in &paragraph.runs {
                    for (at, part) in run.text.split('\n').enumerate() {
                        if at > 0 {
                            widest = widest.max(line);
                            line = 0;
                        }
                        line += self.faces.width(part, run.size * scale / 100, run.bold);
                    }
                }
                widest.max(line)
            }
            Kind::Stack(stack) => stack.padding.left + stack.padding.right + stack.blocks.iter().map(|block| self.natural(block, scale)).max().unwrap_or(0),
            Kind::Row { columns, gap } => {
                let gaps = gap * Length::try_from(columns.len().saturating_sub(1)).unwrap_or(0);
                gaps + columns
                    .iter()
                    .map(|column| if let Width::Fixed(width) = column.width { width } else { self.natural(&column.content, scale) })
                    .sum::<Length>()
            }
            Kind::Image { width, .. } => *width,
            Kind::Code { size, .. } => *size,
            Kind::Table(_) | Kind::Rule { .. } | Kind::Space(_) | Kind::NewPage => 0,
        }
    }

    /// The widths of a table's columns. Where its figures do not fit, its text becomes smaller.
    fn grid(&self, table: &Table, width: Length) -> Result<Grid, Fault> {
        let mut natural = vec![0; table.columns.len()];
        let mut line = 1;
        for row in table.head.iter().chain(&table.rows) {
            let mut column = 0;
            for cell in &row.cells {
                if cell.span == 1
                    && table.columns.get(column).is_some_and(|column| column.width == Width::Auto)
                    && let Some(widest) = natural.get_mut(column)
                {
                    *widest = self.natural(&cell.content, 100).max(*widest);
                }
                column += cell.span;
            }
            line = row.line;
        }
        // What is carried forward may be wider than any row.
        if let Some(carry) = &table.carried {
            let mut sums = vec![Decimal::ZERO; table.columns.len()];
            for row in &table.rows {
                let mut column = 0;
                for cell in &row.cells {
                    if let (Some(sum), Some(total)) = (cell.sum, sums.get_mut(column)) {
                        *total = total.checked_add(sum).unwrap_or(*total);
                    }
                    column += cell.span;
                }
            }
            for ((sum, widest), column) in sums.iter().zip(&mut natural).zip(&table.columns) {
                if column.width == Width::Auto && !sum.is_zero() {
                    *widest = self.faces.width(&grouped(*sum, carry.currency), carry.style.size, true).max(*widest);
                }
            }
        }
        let padding = table.padding.left + table.padding.right;
        let mut scale = 100;
        loop {
            let own = |at: usize| natural.get(at).map_or(0, |width| width * scale / 100 + padding + 1);
            let widths = shared(table.columns.iter().map(|column| (column.width, column.least)), width, own);
            match widths {
                Some(widths) if widths.iter().sum::<Length>() <= width + PT => return Ok(Grid { widths, scale }),
                _ if scale > SMALLEST => scale -= 5,
                _ => return Err(Fault::new(line, "the columns of this table are wider than the page")),
            }
        }
    }

    fn rows(&self, table: &Table, grid: &Grid, rows: &[TableRow], head: bool, from: usize) -> Result<Vec<Laid>, Fault> {
        rows.iter().enumerate().map(|(at, row)| self.table_row(table, grid, row, head, from + at)).collect()
    }

    fn table_row(&self, table: &Table, grid: &Grid, row: &TableRow, head: bool, at: usize) -> Result<Laid, Fault> {
        let Padding { top, right, bottom, left } = table.padding;
        let mut cells: Vec<(&TableCell, Length, Length, Laid)> = Vec::with_capacity(row.cells.len());
        let (mut x, mut column) = (0, 0);
        for cell in &row.cells {
            let width: Length = grid.widths.iter().skip(column).take(cell.span).sum();
            let laid = self.block(&cell.content, (width - left - right).max(0), grid.scale)?;
            cells.push((cell, x, width, laid));
            x += width;
            column += cell.span;
        }
        let inside = cells.iter().map(|(.., laid)| laid.height).max().unwrap_or(0);
        let height = inside + top + bottom;
        let whole: Length = grid.widths.iter().sum();
        let mut ops = Vec::new();
        let frame = |x: Length, width: Length, color: Color| Op::Box { x, y: 0, width, height, fill: Some(color), border: None, radius: 0 };
        let stripe = table.stripe.filter(|_| !head && at % 2 == 1);
        if let Some(color) = row.fill.or(stripe) {
            ops.push(frame(0, whole, color));
        }
        for (cell, x, width, _) in &cells {
            if let Some(color) = cell.fill {
                ops.push(frame(*x, *width, color));
            }
        }
        let line = |x: Length, y: Length, width: Length, height: Length| Op::Box { x, y, width, height, fill: Some(table.color), border: None, radius: 0 };
        let thin = table.thickness;
        if matches!(table.rules, Rules::Grid | Rules::Columns) {
            ops.push(line(0, 0, thin, height));
            ops.extend(cells.iter().map(|(_, x, width, _)| line(x + width - thin, 0, thin, height)));
        }
        if table.rules == Rules::Grid || table.rules == Rules::Columns && head {
            ops.push(line(0, 0, whole, thin));
        }
        if table.rules != Rules::None && !(table.rules == Rules::Columns && !head && at + 1 < table.rows.len()) {
            ops.push(line(0, height - thin, whole, thin));
        }
        for (cell, x, _, laid) in cells {
            let down = top + aligned(cell.valign, inside, laid.height);
            ops.extend(laid.ops.into_iter().map(|op| op.moved(x + left, down)));
        }
        Ok(Laid { height, ops })
    }

    /// The row of sums at the foot of a page or the head of the next.
    fn carried(&self, table: &Table, grid: &Grid, carry: &super::shapes::Carry, words: &str, sums: &[Option<Decimal>]) -> Result<Laid, Fault> {
        let style = Style { bold: true, ..carry.style };
        let text = |text: String, align: Align| {
            let runs = vec![Run { text, size: style.size, bold: true, color: style.color }];
            Block { line: 1, kind: Kind::Text(Paragraph { runs, align, leading: style.leading }) }
        };
        let cell = |content: Block, span: usize| TableCell { content, span, valign: Align::Start, fill: None, sum: None };
        // The words take what stands before the first sum.
        let before = sums.iter().position(Option::is_some).unwrap_or(table.columns.len()).max(1);
        let mut cells = vec![cell(text(words.to_owned(), Align::Start), before)];
        for (sum, column) in sums.iter().zip(&table.columns).skip(before) {
            let words = sum.map(|sum| grouped(sum, carry.currency)).unwrap_or_default();
            cells.push(cell(text(words, column.align), 1));
        }
        let row = TableRow { line: 1, cells, fill: Some(Color(244, 245, 247)), glue: false };
        self.table_row(table, grid, &row, true, 0)
    }

    /// The lines of a paragraph, each as high as its largest text.
    fn lines(&self, paragraph: &Paragraph, width: Length, scale: Length) -> Vec<Laid> {
        let mut lines: Vec<Vec<(String, &Run, Length)>> = vec![Vec::new()];
        let mut used: Length = 0;
        for run in &paragraph.runs {
            let size = run.size * scale / 100;
            for (at, part) in run.text.split('\n').enumerate() {
                if at > 0 {
                    lines.push(Vec::new());
                    used = 0;
                }
                for word in words(part) {
                    let whole = self.faces.width(word, size, run.bold);
                    let ink = self.faces.width(word.trim_end_matches(' '), size, run.bold);
                    if used > 0 && used + ink > width {
                        lines.push(Vec::new());
                        used = 0;
                    }
                    if word.trim().is_empty() && used == 0 && lines.len() > 1 {
                        continue;
                    }
                    if ink <= width {
                        append(&mut lines, word, run, whole);
                        used += whole;
                        continue;
                    }
                    // A word wider than the line is broken where it must be.
                    for piece in self.pieces(word, size, run.bold, width) {
                        let wide = self.faces.width(piece, size, run.bold);
                        if used > 0 && used + wide > width {
                            lines.push(Vec::new());
                            used = 0;
                        }
                        append(&mut lines, piece, run, wide);
                        used += wide;
                    }
                }
            }
        }
        if paragraph.runs.is_empty() {
            return Vec::new();
        }
        let usual = paragraph.runs.iter().map(|run| run.size).max().unwrap_or(0) * scale / 100;
        lines.into_iter().map(|line| self.line(&line, paragraph, width, scale, usual)).collect()
    }

    fn line(&self, parts: &[(String, &Run, Length)], paragraph: &Paragraph, width: Length, scale: Length, usual: Length) -> Laid {
        let size = parts.iter().map(|(_, run, _)| run.size * scale / 100).max().unwrap_or(usual);
        let height = size * paragraph.leading / 100;
        // The baseline, so that capitals stand in the middle of the line.
        let baseline = (height - size) / 2 + self.faces.ascent(size);
        let mut ops = Vec::with_capacity(parts.len());
        let mut ink = 0;
        for (at, (text, run, wide)) in parts.iter().enumerate() {
            let trimmed = text.trim_end_matches(' ');
            ink += if at + 1 == parts.len() { self.faces.width(trimmed, run.size * scale / 100, run.bold) } else { *wide };
        }
        let mut x = aligned(paragraph.align, width, ink);
        for (text, run, wide) in parts {
            let shown = text.trim_end_matches(' ');
            if !shown.is_empty() {
                ops.push(Op::Text { x, y: baseline, size: run.size * scale / 100, bold: run.bold, color: run.color, text: shown.to_owned() });
            }
            x += wide;
        }
        Laid { height, ops }
    }

    /// A word in pieces that fit.
    fn pieces<'w>(&self, word: &'w str, size: Length, bold: bool, width: Length) -> Vec<&'w str> {
        let (mut out, mut from, mut used) = (Vec::new(), 0, 0);
        for (at, c) in word.char_indices() {
            let wide = self.faces.char_width(c, size, bold);
            if used > 0 && used + wide > width && begins(c) {
                out.extend(word.get(from..at));
                from = at;
                used = 0;
            }
            used += wide;
        }
        out.extend(word.get(from..));
        out
    }
}

/// Adds to the last line, to what is there of the same run where there is something.
fn append<'r>(lines: &mut [Vec<(String, &'r Run, Length)>], text: &str, run: &'r Run, width: Length) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut() {
        Some((before, same, wide)) if std::ptr::eq(*same, run) => {
            before.push_str(text);
            *wide += width;
        }
        _ => line.push((text.to_owned(), run, width)),
    }
}

/// Words with the blanks behind them; long ones may also be broken after a hyphen, slash or comma.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive([' ', '-', '/', ',', '@', '_'])
}

fn aligned(align: Align, room: Length, own: Length) -> Length {
    match align {
        Align::Start => 0,
        Align::Middle => (room - own).max(0) / 2,
        Align::End => (room - own).max(0),
    }
}

/// Shares `room` among columns of a width and least width each; none where the rest has less than its least.
fn shared(columns: impl Iterator<Item = (Width, Length)> + Clone, room: Length, natural: impl Fn(usize) -> Length) -> Option<Vec<Length>> {
    let own = |at: usize, width: Width| match width {
        Width::Fixed(width) => Some(width),
        Width::Share(share) => Some(room * share / 1_000),
        Width::Auto => Some(natural(at)),
        Width::Rest(_) => None,
    };
    let taken: Length = columns.clone().enumerate().filter_map(|(at, (width, _))| own(at, width)).sum();
    let weights: Length = columns.clone().map(|(width, _)| if let Width::Rest(weight) = width { weight } else { 0 }).sum();
    let rest = room - taken;
    let widths = columns.enumerate().map(|(at, (width, least))| match (own(at, width), width) {
        (Some(own), _) => Some(own),
        (None, Width::Rest(weight)) => Some((rest.max(0) * weight).checked_div(weights).unwrap_or(0)).filter(|width| *width >= least),
        (None, _) => Some(0),
    });
    widths.collect()
}
