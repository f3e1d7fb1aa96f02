//! The runtime against a model of plain values: spawns, casts, calls with and without a thread lent,
//! orders, monitors and handles, in random sequences on a runtime of one thread.
//!
//! Neither threads nor time take part, so a sequence that fails does so each time.
#![cfg(feature = "runtime")]
#![expect(clippy::unwrap_used, reason = "in tests")]

#[path = "machine/model.rs"]
mod model;
#[path = "machine/real.rs"]
mod real;

use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use model::{Init, Model, Step, Then, Work};
use real::Real;

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        let init =
            prop_oneof![8 => Just(Init::Succeeds), 1 => Just(Init::Fails), 1 => Just(Init::Panics)];
        let spawn = (init, any::<bool>())
            .prop_map(|(init, is_bounded)| Step::Spawn { init, is_bounded })
            .boxed();
        let held: Vec<usize> =
            (0..state.agents.len()).filter(|at| state.agents[*at].kept > 0).collect();
        let mut steps = vec![(2, spawn), (4, Just(Step::Settle).boxed())];
        let mut add = |weight, step| steps.push((weight, step));
        if !held.is_empty() {
            let agent = || select(held.clone());
            let then = prop_oneof![12 => Just(Then::Count), 1 => Just(Then::Panic), 1 => Just(Then::StopItself)];
            let work = (prop::bool::weighted(0.3), then)
                .prop_map(|(is_gated, then)| Work { is_gated, then })
                .boxed();
            let to = || (agent(), work.clone());
            add(5, to().prop_map(|(at, work)| Step::Cast(at, work)).boxed());
            add(5, to().prop_map(|(at, work)| Step::Call(at, work)).boxed());
            add(5, to().prop_map(|(at, work)| Step::CallInTask(at, work)).boxed());
            add(1, agent().prop_map(Step::Stop).boxed());
            add(1, agent().prop_map(Step::Kill).boxed());
            add(2, agent().prop_map(Step::Monitor).boxed());
            add(1, agent().prop_map(Step::Clone).boxed());
            add(3, agent().prop_map(Step::Drop).boxed());
        }
        if !state.agents.is_empty() {
            add(2, (0..state.agents.len()).prop_map(Step::Upgrade).boxed());
        }
        let tagged = [
            (2, state.calls.keys().copied().collect::<Vec<_>>(), Step::Cancel as fn(u64) -> Step),
            (4, state.gates.iter().copied().collect(), Step::Open),
            (1, state.monitors.keys().copied().collect(), Step::Demonitor),
        ];
        for (weight, tags, step) in tagged {
            if !tags.is_empty() {
                add(weight, select(tags).prop_map(step).boxed());
            }
        }
        proptest::strategy::Union::new_weighted(steps).boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.take(step);
        state
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        state.allows(step)
    }
}

struct Runtime;

impl StateMachineTest for Runtime {
    type SystemUnderTest = Real;
    type Reference = Model;

    fn init_test(_: &Model) -> Real {
        Real::new()
    }

    fn apply(mut real: Real, model: &Model, step: Step) -> Real {
        // The model has taken the step already.
        real.take(model.next - 1, &step);
        real.compare(model);
        real
    }

    fn teardown(real: Real, _: Model) {
        real.end();
    }
}

prop_state_machine! {
    #[test]
    fn agents_behave_like_plain_values(sequential 1..60 => Runtime);
}
