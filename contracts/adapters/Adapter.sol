// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IStatementVerifier, Session } from "../interfaces/IStatementVerifier.sol";

/// What an answer is asked for, by whoever pays or wants to know.
struct Task {
    /// Registered version of a model.
    bytes32 version;
    bytes32 inputDigest;
    uint32 promptTokens;
    /// Whom the answer is of.
    address recipient;
    /// Tells tasks with the same prompt apart.
    bytes32 salt;
}

/// @title What adapters have in common: a verdict of `StatementVerifier`
/// @notice A proof is the calldata of `verifyStatement` without its selector, as `nanozk claim check --calldata` prints
/// it: session, leaves, tree and final proof.
/// @dev No state and no money: whoever is called from here can do nothing that it could not do anyway.
abstract contract Adapter {
    IStatementVerifier public immutable statements;

    /// @notice The session is of another version, prompt, recipient or word than is asked for.
    error AnotherSession();

    constructor(IStatementVerifier statements_) {
        statements = statements_;
    }

    /// Reverts as `verifyStatement` does, unless it accepts.
    /// @dev The session is decoded from the very bytes that are verified.
    function _verified(bytes calldata proof) internal view returns (Session memory session, bytes32 statement) {
        session = abi.decode(proof, (Session));
        bytes memory call_ = bytes.concat(IStatementVerifier.verifyStatement.selector, proof);
        (bool success, bytes memory said) = address(statements).staticcall(call_);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(said, 0x20), mload(said))
            }
        }
        statement = abi.decode(said, (bytes32));
    }

    /// Refuses a session that does not answer a task, under a word.
    function _requireAnswer(Session memory session, Task memory task, bytes32 word) internal pure {
        bool same = session.version == task.version && session.inputDigest == task.inputDigest
            && session.promptTokens == task.promptTokens && session.recipient == task.recipient;
        if (!same || session.claim != word) revert AnotherSession();
    }
}
