// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimHeader } from "../../contracts/interfaces/IClaimBook.sol";
import { ClaimStatus, JobStatus, Mode } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";

/// @title What transactions cost
/// @notice All that is made in `setUp`, so that a test's gas is that of a transaction of its own; what a transaction
/// and its calldata cost is added, and what is refunded taken off. The verifier takes as much as the real one.
contract GasTest is Base {
    uint256 private constant BATCH = 16;

    /// What is sent.
    bytes private posting;
    bytes private settling;
    bytes private answering;
    bytes private answeringInFull;
    bytes private settlingBatch;
    bytes32 private toSettle;
    bytes32 private toAnswer;
    bytes32 private toAnswerInFull;
    bytes32 private toChallenge;
    bytes32[] private batch;
    bytes private answeringTogether;
    bytes32[] private toAnswerTogether;

    function setUp() public override {
        super.setUp();
        // Accounts are not empty.
        _fund(recipient, 1 ether, 0);
        ClaimHeader memory header = _header(_locked(Mode.Proofs));
        posting = abi.encodeCall(book.post, (header, _sign(providerKey, book.headerDigest(header))));
        toSettle = _claimedAtOnce();
        toChallenge = _claimed(Mode.Optimistic);
        toAnswer = _claimed(Mode.Optimistic);
        _challenge(toAnswer, 1);
        toAnswerInFull = _claimed(Mode.Optimistic);
        _accept(toAnswerInFull);
        _challenge(toAnswerInFull, 1);
        for (uint256 i = 0; i < BATCH; ++i) {
            batch.push(_claimedAtOnce());
        }
        settling = _proveCall(_single(toSettle), ALL);
        answering = _proveCall(_single(toAnswer), 1 << 1);
        answeringInFull = _proveCall(_single(toAnswerInFull), ALL);
        settlingBatch = _proveCall(batch, ALL);
        for (uint256 i = 0; i < 2; ++i) {
            toAnswerTogether.push(_claimed(Mode.Optimistic));
            _challenge(toAnswerTogether[i], 1);
        }
        answeringTogether = _proveCall(toAnswerTogether, 1 << 1);
    }

    function _transaction(address from, bytes memory data, string memory what) private returns (uint256 gas) {
        uint256 floor;
        (gas, floor) = _gasOf(from, data, what);
        // At most a fifth is refunded.
        uint256 refund = uint256(int256(vm.lastCallGas().gasRefunded));
        gas -= refund < gas / 5 ? refund : gas / 5;
        if (gas < floor) gas = floor;
        vm.snapshotValue("gas", string.concat(what, ", transaction"), gas);
    }

    function _single(bytes32 id) private pure returns (bytes32[] memory ids) {
        ids = new bytes32[](1);
        ids[0] = id;
    }

    function test_Post() public {
        assertLt(_transaction(relayer, posting, "post a claim"), 200_000);
    }

    function test_Settle() public {
        assertLt(_transaction(relayer, settling, "settle a claim by a proof"), 330_000);
        _assertClaim(toSettle, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_Challenge() public {
        bytes memory data = abi.encodeCall(book.challenge, (_claim(toChallenge), 1, SEED));
        assertLt(_transaction(challenger, data, "challenge a layer"), 200_000);
    }

    function test_Answer() public {
        assertLt(_transaction(relayer, answering, "answer a challenge"), 350_000);
        _assertClaim(toAnswer, ClaimStatus.Posted, JobStatus.Claimed);
    }

    /// And is settled.
    /// Answers of two claims by one proof cost less than two proofs.
    function test_AnswerTogether() public {
        uint256 together = _transaction(relayer, answeringTogether, "answer challenges of two claims by one proof");
        // In the same test much was read before, so this is less than it would be by itself.
        (uint256 alone,) = _gasOf(relayer, answering, "answer a challenge");
        assertLt(together, 2 * alone);
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(book.stateOf(toAnswerTogether[i]).proven, 1 << 1);
        }
    }

    function test_AnswerInFull() public {
        assertLt(_transaction(relayer, answeringInFull, "answer a challenge by a proof of all layers"), 350_000);
        _assertClaim(toAnswerInFull, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_Batch() public {
        uint256 each = _transaction(relayer, settlingBatch, "settle 16 claims by one proof") / BATCH;
        vm.snapshotValue("gas", "settle a claim, one of 16", each);
        assertLt(each, 60_000);
        for (uint256 i = 0; i < BATCH; ++i) {
            _assertClaim(batch[i], ClaimStatus.Proven, JobStatus.Settled);
        }
    }
}
