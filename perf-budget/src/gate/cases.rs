//! Which measured case a budget is judged on. Planning and judging ask here, so that they can't
//! disagree, and the answer depends on nothing but the budget and what is offered.

use crate::protocol::{Case, Method};
use crate::result::{Load, Measurement, Sample};
use crate::{Budget, Metric};

/// The case among `offered` that serves `budget`, with the load that the budget states.
///
/// For a mean, a case of its own comes before a pair's own side. `None` if no case serves, or if
/// several loads would and the budget does not say which.
pub(crate) fn case_for<'a>(
    budget: &Budget,
    offered: impl IntoIterator<Item = &'a Case>,
) -> Option<Case> {
    let fitting: Vec<&Case> = offered
        .into_iter()
        .filter(|case| case.operation == budget.operation && fits(&case.method, budget))
        .collect();
    let timed = fitting.iter().find(|case| case.method == Method::Timed);
    let mut case = (*timed.or(fitting.first())?).clone();
    let is_ambiguous = fitting.iter().any(|other| !other.is_same(&case));
    if let Method::Load { rate_per_s, duration_ns, .. } = &mut case.method {
        match budget.load {
            Some(stated) => {
                (*rate_per_s, *duration_ns) = (stated.rate_per_s, stated.duration_ns);
            }
            None if is_ambiguous => return None,
            None => {}
        }
    }
    Some(case)
}

fn fits(method: &Method, budget: &Budget) -> bool {
    match (method, budget.metric, &budget.relative_to) {
        (Method::Paired { peer }, _, Some(wanted)) => peer == wanted,
        (Method::Timed | Method::Paired { .. }, Metric::LatencyMean | Metric::Throughput, None)
        | (Method::Load { .. }, Metric::Latency(_) | Metric::SuccessRate, None)
        | (Method::Allocations, Metric::Allocations | Metric::Bytes, None)
        | (Method::Growth, Metric::Growth, None) => true,
        _ => false,
    }
}

/// The case that `sample` is a measurement of.
pub(crate) fn case_of(sample: &Sample) -> Case {
    let method = match &sample.measurement {
        Measurement::Timed(_) => Method::Timed,
        Measurement::Paired(pair) => Method::Paired { peer: pair.peer.clone() },
        &Measurement::Load(Load { offered_per_s: rate_per_s, duration_ns, batch, .. }) => {
            Method::Load { rate_per_s, duration_ns, batch }
        }
        Measurement::Allocations(_) => Method::Allocations,
        Measurement::Growth(_) => Method::Growth,
    };
    Case { operation: sample.operation.clone(), method }
}
