//! What contracts said happened.

use super::*;

impl Client {
    /// Transaction and block of an event of a contract, by its first topics.
    pub fn find_event(
        &self,
        address: Address,
        topics: [B256; 2],
    ) -> Result<Option<(B256, u64)>, Error> {
        let log = self.first_log(address, topics)?;
        Ok(log.and_then(|log| Some((log.transaction_hash?, log.block_number?))))
    }

    /// Data of an event of a contract, by its first topics.
    pub fn event_data(&self, address: Address, topics: [B256; 2]) -> Result<Option<Bytes>, Error> {
        let log = self.first_log(address, topics)?;
        Ok(log.map(|log| log.inner.data.data))
    }

    /// Who challenged a target of a claim, in order.
    ///
    /// # Errors
    /// Of the node.
    pub fn challengers(
        &self,
        book: Address,
        claim: B256,
        target: u64,
    ) -> Result<Vec<Address>, Error> {
        self.named_by(book::Challenged::SIGNATURE_HASH, book, claim, target)
    }

    /// Those of them who were paid out.
    ///
    /// # Errors
    /// Of the node.
    pub fn paid_out(&self, book: Address, claim: B256, target: u64) -> Result<Vec<Address>, Error> {
        self.named_by(book::ChallengeResolved::SIGNATURE_HASH, book, claim, target)
    }

    /// Challengers that events about a target of a claim name.
    fn named_by(
        &self,
        signature: B256,
        book: Address,
        claim: B256,
        target: u64,
    ) -> Result<Vec<Address>, Error> {
        let target = B256::from(U256::from(target));
        let logs = self.logs(book, signature, [Some(claim), Some(target)])?;
        let named = logs
            .iter()
            .filter_map(|log| log.inner.topics().get(3).copied());
        Ok(named.map(Address::from_word).collect())
    }

    /// The first event of a contract with these second and third topics; none: any.
    pub fn event<E: SolEvent>(
        &self,
        address: Address,
        topics: [Option<B256>; 2],
    ) -> Result<Option<E>, Error> {
        Ok(self.events(address, topics)?.into_iter().next())
    }

    /// All events of a contract with these second and third topics; none: any.
    pub fn events<E: SolEvent>(
        &self,
        address: Address,
        topics: [Option<B256>; 2],
    ) -> Result<Vec<E>, Error> {
        let decoded = |log: NodeLog| {
            let event = E::decode_log(&log.inner);
            let event = event.map_err(|e| {
                let name = E::SIGNATURE.split('(').next().unwrap_or_default();
                Error::Mismatch(format!("the event {name}: {e}"))
            });
            event.map(|event| event.data)
        };
        let logs = self.logs(address, E::SIGNATURE_HASH, topics)?;
        logs.into_iter().map(decoded).collect()
    }

    fn first_log(&self, address: Address, topics: [B256; 2]) -> Result<Option<NodeLog>, Error> {
        let logs = self.logs(address, topics[0], [Some(topics[1]), None])?;
        Ok(logs.into_iter().next())
    }

    /// Events of a contract with these second and third topics; none: any.
    pub(super) fn logs(
        &self,
        address: Address,
        signature: B256,
        topics: [Option<B256>; 2],
    ) -> Result<Vec<NodeLog>, Error> {
        let mut filter = Filter::new()
            .address(address)
            .event_signature(signature)
            .from_block(BlockNumberOrTag::Earliest);
        if let Some(topic) = topics[0] {
            filter = filter.topic1(topic);
        }
        if let Some(topic) = topics[1] {
            filter = filter.topic2(topic);
        }
        self.ask(|p| async move { p.get_logs(&filter).await })
    }
}
