//! What was measured: medians of the rounds as a table for people, all of it as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::contender::Kind;

/// All that was measured, in the order of measuring.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    skipped: Vec<String>,
    gave_up: Vec<(Kind, String)>,
}

struct Row {
    measure: String,
    unit: &'static str,
    rounds: Vec<(Kind, Vec<f64>)>,
}

impl Report {
    /// One round's value of a measure.
    pub(crate) fn add(&mut self, measure: &str, unit: &'static str, kind: Kind, value: f64) {
        let at = self.rows.iter().position(|row| row.measure == measure).unwrap_or_else(|| {
            self.rows.push(Row { measure: measure.to_owned(), unit, rounds: Vec::new() });
            self.rows.len() - 1
        });
        let rounds = &mut self.rows[at].rounds;
        match rounds.iter_mut().find(|(have, _)| *have == kind) {
            Some((_, values)) => values.push(value),
            None => rounds.push((kind, vec![value])),
        }
    }

    /// Resident KiB of a contender that is a process.
    pub(crate) fn memory(&mut self, measure: &str, kind: Kind, resident: Option<u64>) {
        if let Some(resident) = resident {
            self.add(measure, "MiB", kind, resident as f64 / 1024.0);
        }
    }

    /// What is not there, and why.
    pub(crate) fn skip(&mut self, what: String) {
        eprintln!("skipped: {what}");
        self.skipped.push(what);
    }

    /// What a load came to. A peer that cannot take it is reported and left out of the rest of it; the two that
    /// everything is compared with have to.
    pub(crate) fn kept<T>(
        &mut self,
        kind: Kind,
        load: &str,
        done: anyhow::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if matches!(kind, Kind::Direct | Kind::Ours) => {
                Err(error.context(format!("{load} through {}", kind.name())))
            }
            Err(error) => {
                self.skip(format!("{load} through {} ({error:#})", kind.name()));
                self.gave_up.push((kind, load.to_owned()));
                Ok(None)
            }
        }
    }

    /// Whether it could not take this load once: then each further round would wait for the same deadline.
    pub(crate) fn gave_up(&self, kind: Kind, load: &str) -> bool {
        self.gave_up.iter().any(|(have, at)| *have == kind && at == load)
    }

    /// A row for each measure, a column for each contender, as Markdown; how far ours is ahead beside it.
    pub(crate) fn table(&self) -> String {
        let kinds: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| self.rows.iter().any(|row| row.median(*kind).is_some()))
            .collect();
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let mut table =
            format!("| measure | unit | {} | ours / nginx | ours / best crate |\n", names.join(" | "));
        let _ = writeln!(table, "|---|---|{}", "---:|".repeat(kinds.len() + 2));
        for row in &self.rows {
            let cells: Vec<String> =
                kinds.iter().map(|kind| row.median(*kind).map_or(String::new(), shown)).collect();
            let Row { measure, unit, .. } = row;
            let ratios = [row.ratio(&[Kind::Nginx]), row.ratio(&[Kind::Hudsucker, Kind::HttpMitmProxy])];
            let [nginx, crates] =
                ratios.map(|ratio| ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")));
            let _ = writeln!(table, "| {measure} | {unit} | {} | {nginx} | {crates} |", cells.join(" | "));
        }
        for what in &self.skipped {
            let _ = writeln!(table, "\nSkipped: {what}.");
        }
        table
    }

    /// Everything, with each round's value.
    pub(crate) fn json(&self, machine: Value) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let rounds: Map<String, Value> = row
                    .rounds
                    .iter()
                    .map(|(kind, values)| {
                        let median = row.median(*kind);
                        (kind.name().to_owned(), json!({ "median": median, "rounds": values }))
                    })
                    .collect();
                json!({ "measure": row.measure, "unit": row.unit, "contenders": rounds })
            })
            .collect();
        json!({ "machine": machine, "measures": rows, "skipped": self.skipped })
    }
}

impl Row {
    fn values(&self, kind: Kind) -> &[f64] {
        self.rounds.iter().find(|(have, _)| *have == kind).map_or(&[], |(_, values)| values)
    }

    fn median(&self, kind: Kind) -> Option<f64> {
        median(self.values(kind).iter().copied())
    }

    /// Ours by the best of these; more is better of what is counted by the second, less of everything else.
    ///
    /// It is the median of the rounds' ratios: what one round was slowed by hardly ever came and went within it.
    fn ratio(&self, peers: &[Kind]) -> Option<f64> {
        let ranked = peers.iter().filter_map(|kind| Some((self.median(*kind)?, *kind)));
        let (_, best) = match self.unit.ends_with("/s") {
            true => ranked.max_by(|(one, _), (other, _)| one.total_cmp(other)),
            false => ranked.min_by(|(one, _), (other, _)| one.total_cmp(other)),
        }?;
        let rounds = self.values(Kind::Ours).iter().zip(self.values(best));
        median(rounds.filter(|(_, best)| **best > 0.0).map(|(ours, best)| ours / best))
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// Three digits are all that a median of a few rounds is good for.
fn shown(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
