// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IStatementVerifier, Session } from "../interfaces/IStatementVerifier.sol";
import { IValidationRegistry } from "../interfaces/external/IERC8004.sol";
import { Adapter, Task } from "./Adapter.sol";

/// @title A validator of ERC-8004 that takes proofs for an answer, and nothing else
/// @notice A request names this contract as its validator, and `requestHashOf` of a task as its hash. Whoever has a
/// proof of an answer to that task lets it respond; to a request without a proof it never does.
contract ProofValidator is Adapter {
    /// @notice The best response there is: the answer is the model's.
    uint8 public constant PASSED = 100;
    string public constant TAG = "nanozk";

    constructor(IStatementVerifier statements_) Adapter(statements_) { }

    /// @notice Responds to a request. The response's hash is the statement that was proven.
    /// @param proof Of a session whose word is the request's hash.
    function respond(
        IValidationRegistry registry,
        Task calldata task,
        string calldata responseURI,
        bytes calldata proof
    ) external {
        bytes32 requestHash = requestHashOf(task);
        (Session memory session, bytes32 statement) = _verified(proof);
        _requireAnswer(session, task, requestHash);
        registry.validationResponse(requestHash, PASSED, responseURI, statement, TAG);
    }

    /// @notice What a request of a task has as its hash.
    function requestHashOf(Task calldata task) public pure returns (bytes32) {
        return keccak256(abi.encode("nanozk validation request 1", task));
    }
}
