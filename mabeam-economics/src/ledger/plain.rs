//! How agents and money stand in a serialised entry: as their numbers, checked when they are read.

/// An agent's number.
pub(super) mod agent {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::AgentId;

    // The signature is serde's.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(in crate::ledger) fn serialize<S: Serializer>(
        agent: &AgentId,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(agent.0)
    }

    pub(in crate::ledger) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<AgentId, D::Error> {
        u64::deserialize(deserializer).map(AgentId)
    }
}

/// Minor units.
pub(super) mod money {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::Money;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(in crate::ledger) fn serialize<S: Serializer>(
        money: &Money,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(money.units())
    }

    pub(in crate::ledger) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Money, D::Error> {
        let units = i64::deserialize(deserializer)?;
        Money::new(units).ok_or_else(|| {
            D::Error::custom(format_args!("{units} minor units are beyond the bounds of money"))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::ledger::{Account, Action, Draw, Entry, Epoch, Leg, TransactionId};
    use crate::{AgentId, Money};

    fn entries() -> Vec<Entry> {
        let (agent, amount) = (AgentId(7), Money::MAX);
        let hold = TransactionId(u128::MAX);
        let actions = [
            Action::Open { agent },
            Action::Close { agent },
            Action::transfer(Account::Issuer, Account::Agent(agent), amount).unwrap(),
            Action::Hold { payer: agent, amount, until: Epoch(3) },
            Action::Settle {
                draws: vec![Draw { hold, amount }],
                payments: vec![Leg { account: Account::Issuer, amount }],
            },
            Action::Release { hold },
            Action::Advance { to: Epoch(u64::MAX) },
        ];
        (0..).zip(actions).map(|(id, action)| Entry { id: TransactionId(id), action }).collect()
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let text = serde_json::to_string(&entries()).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Entry>>(&text).unwrap(), entries());
    }

    #[test]
    fn an_entry_is_written_as_plain_numbers() {
        let text = serde_json::to_string(&entries()[3]).unwrap();
        let expected =
            r#"{"id":3,"action":{"Hold":{"payer":7,"amount":1000000000000000,"until":3}}}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn money_beyond_its_bounds_is_not_read() {
        let text = r#"{"account":"Issuer","amount":1000000000000001}"#;
        let refused = serde_json::from_str::<Leg>(text).unwrap_err();
        assert!(refused.to_string().contains("beyond the bounds of money"));
    }
}
