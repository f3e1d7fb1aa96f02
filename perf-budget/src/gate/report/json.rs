//! `report.json`: the whole report, for programs.
//!
//! # Schema, version 1
//!
//! A reader checks `schema` first. Fields are added without a new version; a field that is removed
//! or changes its meaning raises it. A number that is not finite is `null`.
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `schema` | integer | [`SCHEMA`](super::SCHEMA) |
//! | `run.id` | string | ties results to the run |
//! | `run.started` | string | when the run began, RFC 3339 |
//! | `run.seconds` | number | how long it took, without the build |
//! | `run.tier` | `quick`, `full` | which budgets were judged |
//! | `run.strict` | boolean | whether a missing tool is an error |
//! | `run.commit` | string or null | what was measured; `-dirty` marks uncommitted changes |
//! | `run.budgets` | string | the budgets file, relative to the workspace |
//! | `machine.fingerprint` | string | equal where the same absolute times can be expected |
//! | `machine.platform` | string | operating system and architecture |
//! | `machine.processor` | string | the processor's name |
//! | `machine.processors` | integer | processors that the run could use |
//! | `confidence.family` | number | probability that every interval holds its true value |
//! | `confidence.budgets` | integer | budgets among which the rest is shared |
//! | `confidence.looks` | integer | times that an interval may be looked at |
//! | `confidence.each` | number | what each single interval is made for |
//! | `rows` | array | one object a budget, most urgent first |
//! | `rows[].operation` | string | the operation |
//! | `rows[].metric` | string | what is limited, in the words of a budgets file |
//! | `rows[].relative_to` | string or null | the peer of a ratio |
//! | `rows[].limit.bound` | `max`, `min` | on which side of the limit values must lie |
//! | `rows[].limit.value` | number | the limit, in the base unit |
//! | `rows[].limit.text` | string | the limit for people: `≤ 1.00 ms` |
//! | `rows[].estimate` | object or null | the measured value, where there is one |
//! | `rows[].estimate.low`, `.value`, `.high` | number | interval and point estimate |
//! | `rows[].estimate.unit` | `ns`, `/s`, `x`, `count`, `B`, `fraction` | the base unit of the row |
//! | `rows[].headroom` | number or null | share of the limit left unused; negative beyond it |
//! | `rows[].verdict` | string | `Pass`, `Fail`, `Inconclusive`, `Invalid`, `Skipped`, `Waived` |
//! | `rows[].explanation` | string | one sentence that says why |
//! | `rows[].basis` | string | what the value rests on |
//! | `rows[].owner` | string | who answers for the budget |
//! | `rows[].reason` | string | why the budget stands |
//! | `rows[].missing_tool` | boolean | whether a missing tool is why nothing was judged |
//! | `rows[].distribution` | object or null | the measured distribution, for plots |
//! | `rows[].distribution.sample` | string | what one sample is |
//! | `rows[].distribution.samples` | integer | how many there are |
//! | `rows[].distribution.quantiles` | array of `[quantile, value]` | both rising |
//! | `rows[].distribution.max` | number | the largest sample: shown, never judged |
//! | `left_to_full` | integer | budgets of the full tier that a quick run left out |
//! | `warnings` | array of strings | what concerns the whole run |
//! | `outcome.exit_code` | 0, 1, 2, 3 | the process exit code |
//! | `outcome.name` | string | `passed`, `exceeded`, `could_not_judge`, `inconclusive` |

use super::Report;

/// The report as pretty-printed JSON with a final newline.
///
/// # Errors
/// None that a [`Report`] can cause today; the serializer's are passed on.
pub fn render(report: &Report) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{empty_report, sample_report};
    use super::*;

    /// The field names that the schema's table documents, by their last part.
    fn documented() -> Vec<String> {
        let table = include_str!("json.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
        let fields = table.filter_map(|line| line.split(" | ").next());
        let names = fields.flat_map(|cell| cell.split(", "));
        names
            .filter_map(|name| name.rsplit('.').next())
            .map(|name| name.trim_matches('`').to_owned())
            .collect()
    }

    fn keys(value: &serde_json::Value, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    into.push(name.clone());
                    keys(value, into);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, into)),
            _ => {}
        }
    }

    #[test]
    fn every_field_is_documented() {
        let text = render(&sample_report()).unwrap();
        let documented = documented();
        let mut found = Vec::new();
        keys(&serde_json::from_str(&text).unwrap(), &mut found);
        let parents = ["run", "machine", "confidence", "limit", "outcome"];
        for name in found.iter().filter(|name| !parents.contains(&name.as_str())) {
            assert!(documented.contains(name), "`{name}` is not in the schema's table");
        }
    }

    #[test]
    fn the_sample_as_json() {
        let mut report = sample_report();
        // The curves are long and say nothing about the format that two points would not.
        for distribution in report.rows.iter_mut().filter_map(|row| row.distribution.as_mut()) {
            distribution.quantiles.truncate(2);
        }
        insta::assert_snapshot!(render(&report).unwrap());
    }

    #[test]
    fn an_empty_report_is_an_object_too() {
        let text = render(&empty_report()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["rows"], serde_json::json!([]));
        assert_eq!(value["outcome"]["exit_code"], 2);
    }
}
