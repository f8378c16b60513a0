// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AnswerReceipt } from "../../contracts/interfaces/EpochTypes.sol";
import { EpochStatus, IEpochBook } from "../../contracts/interfaces/IEpochBook.sol";
import { EpochDescription } from "../../contracts/interfaces/IEpochLens.sol";
import { EpochBase } from "./EpochBase.t.sol";
import { EpochTrees } from "./support/EpochTrees.sol";
import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";

/// @title What the lens says of epochs and receipts
contract EpochLensTest is EpochBase {
    using Strings for uint256;

    uint256 private constant COUNT = 200;
    uint256 private constant DRAWS = 64;
    /// 1 − (1 − k/200·45,000/1,035,000)^64, rounded down to a tenth of a percent.
    string private constant DETECTION =
        " Its draws show 1 false answer with a probability of 1.3 %, 10 with 13.0 %, 100 with 75.5 % at least.";

    // ---------------------------------------------------------------- helpers

    function _start(uint256 number, uint256 ago) private pure returns (string memory) {
        string memory start =
            string.concat("Epoch ", number.toString(), ", 200 answers of which 64 are drawn, committed to ");
        return string.concat(start, ago.toString(), " s ago: ");
    }

    /// Of an epoch that is open.
    function _open(Built memory built, string memory state, string memory disputes)
        private
        view
        returns (string memory)
    {
        string memory money = string.concat(
            disputes, " It exposes ", _exposure(built).toString(), " of the line's bond."
        );
        uint256 number = uint32(built.epoch.terms);
        return string.concat(_start(number, block.timestamp - _committedAt(built)), state, money, DETECTION);
    }

    function _untilChallenges(Built memory built) private view returns (string memory) {
        uint256 by = _committedAt(built) + EPOCH_CHALLENGE;
        return string.concat(", until ", by.toString(), " (", (by - block.timestamp).toString(), " s left).");
    }

    function _assertNext(Built memory built, string memory who, string memory what, uint256 deadline) private view {
        (string memory gotWho, string memory gotWhat, uint64 got) = epochLens.nextOfEpoch(built.epoch);
        assertEq(gotWho, who);
        assertEq(gotWhat, what);
        assertEq(got, deadline);
    }

    function _assertSaid(Built memory built, string memory expected) private view {
        assertEq(epochLens.explainEpoch(built.epoch), expected);
        assertEq(epochLens.describeEpoch(built.epoch).text, expected);
    }

    function _demanded(Built memory built) private {
        AnswerReceipt memory receipt = _receiptAt(uint32(built.epoch.terms), 7);
        bytes memory signature = _signReceipt(receipt);
        vm.prank(requester);
        epochDisputes.demand(built.epoch, receipt, signature);
    }

    // ---------------------------------------------------------------- epochs

    function test_Describe_HasEverything() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        _demanded(built);
        EpochDescription memory d = epochLens.describeEpoch(built.epoch);
        assertEq(d.epoch, _idOf(built));
        assertEq(uint8(d.status), uint8(EpochStatus.Committed));
        assertEq(d.number, 0);
        assertEq(d.answers, COUNT);
        assertEq(d.draws, DRAWS);
        assertEq(d.committedAt, block.timestamp);
        assertEq(d.drawBlock, block.number + BEACON_DELAY);
        assertEq(d.challengeBy, block.timestamp + EPOCH_CHALLENGE);
        assertEq(d.exposed, _exposure(built));
        assertEq(d.openDisputes, 1);
        assertEq(d.settled, 0);
        assertFalse(d.over);
        assertTrue(d.usable);
        uint256 cheated = 1;
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(d.detection[i], epochLens.detection(page, COUNT, DRAWS, cheated));
            cheated *= 10;
        }
        // There are no 1,000: all are false.
        assertEq(d.detection[3], epochLens.detection(page, COUNT, DRAWS, COUNT));
    }

    function test_Explain_WhatIsCommittedTo() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        string memory what = string.concat("fixCommitments after block ", uint256(_drawBlock(built)).toString());
        string memory text = _open(built, "what is drawn is not fixed. ", "0 disputes are open.");
        _assertSaid(built, string.concat(text, " Next: provider, ", what, _untilChallenges(built)));
        _assertNext(built, "provider", what, _committedAt(built) + EPOCH_CHALLENGE);
        vm.roll(_drawBlock(built) + 1);
        _assertNext(built, "provider", "fixCommitments", _committedAt(built) + EPOCH_CHALLENGE);
        vm.warp(_committedAt(built) + EPOCH_CHALLENGE);
        _assertNext(built, "provider", "fixCommitments", _committedAt(built) + EPOCH_CHALLENGE);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        _assertNext(built, "anybody", "expire", 0);
        epochs.expire(built.epoch, built.fixed_);
        uint256 ago = EPOCH_CHALLENGE + 1;
        string memory end = string.concat(_start(0, ago), "its line was slashed, and it is never settled.", DETECTION);
        _assertSaid(built, end);
        assertTrue(epochLens.describeEpoch(built.epoch).over);
    }

    function test_Explain_WhatIsFixedProvenAndSettled() public {
        Built memory built = _fixed(0, COUNT, DRAWS);
        _demanded(built);
        string memory text = _open(built, "what is drawn is fixed, and not proven. ", "1 dispute is open.");
        string memory window = uint256(epochs.proveWindow()).toString();
        string memory next = string.concat(
            " Next: provider, prove, until ", window, " s after the event EpochFixed; then anybody, expire."
        );
        _assertSaid(built, string.concat(text, next));
        _assertNext(built, "provider", "prove", 0);

        _proveEpoch(built);
        text = _open(built, "proven. ", "1 dispute is open.");
        next = " Next: requesters and watchers, demand or challenge";
        _assertSaid(built, string.concat(text, next, _untilChallenges(built)));
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        _assertNext(built, "parties of its disputes", "their turns (EpochDisputes)", 0);

        AnswerReceipt memory receipt = _receiptAt(0, 7);
        bytes memory inStatements = EpochTrees.path(built.statements, 7);
        epochDisputes.show(built.epoch, receipt, inStatements, EpochTrees.path(built.receipts, 7));
        _assertSaid(
            built,
            string.concat(_open(built, "proven. ", "0 disputes are open."), " Next: anybody, settle, at any time.")
        );
        epochs.settle(built.epoch);
        uint256 ago = block.timestamp - _committedAt(built);
        _assertSaid(built, string.concat(_start(0, ago), "settled, its answers can be paid for.", DETECTION));
        assertEq(epochLens.describeEpoch(built.epoch).settled, 1);
    }

    function test_Explain_WhatWaitsForAnother() public {
        Built memory first = _committed(0, COUNT, DRAWS);
        Built memory second = _fixed(1, COUNT, DRAWS);
        _fix(first);
        _proveEpoch(second);
        _after(_committedAt(second) + EPOCH_CHALLENGE);
        _assertNext(second, "anybody", "settle epoch 0 first", 0);
        _proveEpoch(first);
        _assertNext(second, "anybody", "settle", 0);
    }

    function test_Explain_WhatIsFrozen() public {
        Built memory built = _committed(0, COUNT, DRAWS);
        _freeze();
        assertFalse(epochLens.describeEpoch(built.epoch).usable);
        _assertNext(built, "anybody", "voidEpoch", 0);
        epochs.voidEpoch(built.epoch);
        string memory end = "void, as the verifier was frozen: it exposes nothing, and is never paid for.";
        _assertSaid(built, string.concat(_start(0, 0), end, DETECTION));
        _assertNext(built, "nobody", "", 0);
    }

    function test_Explain_NotWhatIsUnknown() public {
        Built memory built = _build(0, COUNT, DRAWS);
        vm.expectRevert(abi.encodeWithSelector(IEpochBook.UnknownEpoch.selector, _idOf(built)));
        epochLens.explainEpoch(built.epoch);
    }

    /// One answer, which is drawn.
    function test_Explain_CountsOfOne() public {
        Built memory built = _committed(0, 1, 1);
        string memory start = "Epoch 0, 1 answer of which 1 is drawn, committed to 0 s ago: ";
        string memory text = epochLens.explainEpoch(built.epoch);
        for (uint256 i = 0; i < bytes(start).length; ++i) {
            assertEq(bytes(text)[i], bytes(start)[i]);
        }
        // 45,000 of 1,035,000.
        assertGt(bytes(text).length, bytes(string.concat(start, "4.3 %")).length);
        assertEq(epochLens.describeEpoch(built.epoch).detection[3], epochLens.detection(page, 1, 1, 1));
    }

    // ---------------------------------------------------------------- receipts

    function test_ExplainReceipt_ByItsEpoch() public {
        AnswerReceipt memory receipt = _receiptAt(0, 7);
        bytes memory signature = _signReceipt(receipt);
        string memory start = "Signed by its provider: answer 7 of epoch 0, of 24 prompt tokens and 8 generated ones. ";
        string memory said = epochLens.explainReceipt(receipt, signature);
        assertEq(said, string.concat(start, "The epoch is not committed to yet: pay nothing for it."));
        Built memory built = _committed(0, COUNT, DRAWS);
        said = epochLens.explainReceipt(receipt, signature);
        string memory demand = "demand the receipt if its provider does not show it there.";
        assertEq(
            said,
            string.concat(start, "The epoch is committed to and not settled. As long as it can be disputed, ", demand)
        );
        _fix(built);
        _proveEpoch(built);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        epochs.settle(built.epoch);
        said = epochLens.explainReceipt(receipt, signature);
        assertEq(said, string.concat(start, "The epoch is settled: a voucher can pay for it."));

        Built memory second = _committed(1, COUNT, DRAWS);
        AnswerReceipt memory other = _receiptAt(1, 0);
        other.newTokens = 1;
        other.promptTokens = 1;
        _after(_committedAt(second) + EPOCH_CHALLENGE);
        epochs.expire(second.epoch, second.fixed_);
        start = "Signed by its provider: answer 0 of epoch 1, of 1 prompt token and 1 generated one. ";
        said = epochLens.explainReceipt(other, _signReceipt(other));
        assertEq(said, string.concat(start, "The line was slashed: pay nothing for it."));
        // What was settled before stays so.
        said = epochLens.explainReceipt(receipt, signature);
        assertEq(
            said,
            string.concat(
                "Signed by its provider: answer 7 of epoch 0, of 24 prompt tokens and 8 generated ones. ",
                "The epoch is settled: a voucher can pay for it."
            )
        );
    }

    function test_ExplainReceipt_OfAnotherSignature() public view {
        AnswerReceipt memory receipt = _receiptAt(0, 7);
        bytes memory signature = _signReceipt(receipt);
        receipt.newTokens += 1;
        string memory worthless =
            "This is not the signature of the provider that the receipt names: it is worth nothing.";
        assertEq(epochLens.explainReceipt(receipt, signature), worthless);
        assertEq(epochLens.explainReceipt(receipt, ""), worthless);
        assertFalse(epochLens.isSigned(receipt, signature));
        // Whoever asks, for which a node may be told anybody.
        receipt.provider = address(this);
        assertFalse(epochLens.isSigned(receipt, ""));
        assertEq(epochLens.explainReceipt(receipt, ""), worthless);
        receipt.newTokens -= 1;
        receipt.provider = provider;
        assertTrue(epochLens.isSigned(receipt, signature));
    }

    function test_Wiring() public view {
        assertEq(address(epochLens.book()), address(epochs));
        assertEq(address(epochLens.disputes()), address(epochDisputes));
        assertEq(address(epochLens.registry()), address(registry));
    }
}
