// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IStatementVerifier, Session } from "../interfaces/IStatementVerifier.sol";
import { IAgenticCommerce } from "../interfaces/external/IERC8183.sol";
import { Adapter, Task } from "./Adapter.sol";
import { Clones } from "@openzeppelin/contracts/proxy/Clones.sol";

/// @title An evaluator of ERC-8183 for one task: it completes jobs for proofs of an answer
/// @notice A job's client computes `evaluatorOf` its task and names that address; the interface has no other way of
/// saying what is to be delivered that every escrow has. It never rejects: a job without a proof expires, and its client
/// is refunded.
/// @dev Evaluators are clones of this contract, which is one of no task itself.
contract ProofEvaluator is Adapter {
    address private immutable _implementation;

    event EvaluatorCreated(address indexed evaluator, Task task);

    /// @notice Only evaluators of a task complete, and only this contract makes them.
    error NotHere();

    constructor(IStatementVerifier statements_) Adapter(statements_) {
        _implementation = address(this);
    }

    /// @notice Makes the evaluator of a task. Anybody may, also after jobs named it.
    function create(Task calldata task) external returns (address evaluator) {
        if (address(this) != _implementation) revert NotHere();
        evaluator = Clones.cloneDeterministicWithImmutableArgs(_implementation, abi.encode(task), 0);
        emit EvaluatorCreated(evaluator, task);
    }

    /// @notice The address of a task's evaluator, whether it was made or not.
    function evaluatorOf(Task calldata task) external view returns (address) {
        return
            Clones.predictDeterministicAddressWithImmutableArgs(_implementation, abi.encode(task), 0, _implementation);
    }

    /// @notice Completes a job, with the statement that was proven as the reason. Anybody may.
    /// @param proof Of a session whose word is `wordOf` the job.
    function complete(IAgenticCommerce commerce, uint256 jobId, bytes calldata proof) external {
        (Session memory session, bytes32 statement) = _verified(proof);
        _requireAnswer(session, ownTask(), wordOf(commerce, jobId));
        commerce.complete(jobId, statement, "");
    }

    /// @notice The task of this evaluator.
    function ownTask() public view returns (Task memory) {
        if (address(this) == _implementation) revert NotHere();
        return abi.decode(Clones.fetchCloneArgs(address(this)), (Task));
    }

    /// @notice The word of sessions for a job: no proof completes two jobs.
    function wordOf(IAgenticCommerce commerce, uint256 jobId) public pure returns (bytes32) {
        return keccak256(abi.encode("nanozk job 1", commerce, jobId));
    }
}
