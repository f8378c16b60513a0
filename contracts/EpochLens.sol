// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AnswerReceipt, Epoch } from "./interfaces/EpochTypes.sol";
import { EpochStatus, IEpochBook, Line } from "./interfaces/IEpochBook.sol";
import { IEpochDisputes } from "./interfaces/IEpochDisputes.sol";
import { EpochDescription, IEpochLens } from "./interfaces/IEpochLens.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { EpochDraw } from "./libraries/EpochDraw.sol";
import { EpochEconomics } from "./libraries/EpochEconomics.sol";
import { EpochPage } from "./libraries/EpochPage.sol";
import { EpochWords } from "./libraries/EpochWords.sol";
import { Action, LensText } from "./libraries/LensText.sol";
import { Signatures } from "./libraries/Signatures.sol";
import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";

/// @title Reading epochs
contract EpochLens is IEpochLens {
    using EpochWords for Epoch;
    using LensText for string;
    using Strings for uint256;

    IEpochBook public immutable book;
    IEpochDisputes public immutable disputes;
    IModelRegistry public immutable registry;

    constructor(IEpochBook book_, IEpochDisputes disputes_, IModelRegistry registry_) {
        book = book_;
        disputes = disputes_;
        registry = registry_;
    }

    /// @inheritdoc IEpochLens
    function describeEpoch(Epoch calldata epoch) external view returns (EpochDescription memory) {
        EpochDescription memory d = _describe(epoch);
        d.text = _explain(d);
        return d;
    }

    /// @inheritdoc IEpochLens
    function explainEpoch(Epoch calldata epoch) external view returns (string memory) {
        return _explain(_describe(epoch));
    }

    /// @inheritdoc IEpochLens
    function nextOfEpoch(Epoch calldata epoch)
        external
        view
        returns (string memory who, string memory action, uint64 deadline)
    {
        Action memory next = _next(_describe(epoch));
        return (next.who, next.what, next.deadline);
    }

    /// @inheritdoc IEpochLens
    function explainReceipt(AnswerReceipt calldata receipt, bytes calldata signature)
        external
        view
        returns (string memory)
    {
        if (!this.isSigned(receipt, signature)) {
            return "This is not the signature of the provider that the receipt names: it is worth nothing.";
        }
        Line memory line = book.line(receipt.provider, receipt.version);
        string memory text = string.concat(
            "Signed by its provider: answer ",
            uint256(receipt.index).toString(),
            " of epoch ",
            uint256(receipt.epoch).toString(),
            ", of ",
            LensText.counted(receipt.promptTokens, " prompt token", " prompt tokens"),
            " and ",
            LensText.counted(receipt.newTokens, " generated one. ", " generated ones. ")
        );
        if (receipt.epoch < line.next - line.open) {
            return string.concat(text, "The epoch is settled: a voucher can pay for it.");
        }
        if (line.over) return string.concat(text, "The line was slashed: pay nothing for it.");
        if (receipt.epoch >= line.next) {
            return string.concat(text, "The epoch is not committed to yet: pay nothing for it.");
        }
        return string.concat(
            text,
            "The epoch is committed to and not settled. As long as it can be disputed, demand the receipt if its provider does not show it there."
        );
    }

    /// @inheritdoc IEpochLens
    function isSigned(AnswerReceipt calldata receipt, bytes calldata signature) external view returns (bool) {
        // A caller would consent by its call: it asks through this contract, which signs nothing.
        if (msg.sender != address(this)) return this.isSigned(receipt, signature);
        return Signatures.consents(receipt.provider, disputes.receiptDigest(receipt), signature);
    }

    /// @inheritdoc IEpochLens
    function drawnAnswers(Epoch calldata epoch, bytes32 seed) external pure returns (uint256[] memory drawn) {
        uint256 count = epoch.count();
        uint256[] memory marks = EpochDraw.draw(seed, epoch.id(), count, epoch.draws());
        drawn = new uint256[](epoch.draws());
        uint256 next = 0;
        for (uint256 i = 0; i < count; ++i) {
            if (EpochDraw.has(marks, i)) drawn[next++] = i;
        }
    }

    /// @inheritdoc IEpochLens
    function drawnLayer(address page, bytes32 seed, bytes32 statement) external view returns (uint256 layer) {
        uint256[] memory sums = _sumsOf(page);
        uint256 total = sums[sums.length - 1];
        uint256 x = uint256(keccak256(abi.encodePacked("nanozk-audit-1", seed, statement, uint256(0)))) % total;
        while (x >= sums[layer]) ++layer;
    }

    /// @inheritdoc IEpochLens
    function detection(address page, uint256 count, uint256 draws, uint256 cheated) external view returns (uint256) {
        (uint256 least, uint256 total) = weightsOf(page);
        return EpochEconomics.detection(count, draws, cheated, least, total);
    }

    /// @inheritdoc IEpochLens
    function weightsOf(address page) public view returns (uint256 least, uint256 total) {
        uint256[] memory sums = _sumsOf(page);
        least = type(uint256).max;
        for (uint256 i = 0; i < sums.length; ++i) {
            if (sums[i] - total < least) least = sums[i] - total;
            total = sums[i];
        }
    }

    function _describe(Epoch calldata epoch) private view returns (EpochDescription memory d) {
        d.epoch = epoch.id();
        d.status = book.statusOf(d.epoch);
        if (d.status == EpochStatus.None) revert IEpochBook.UnknownEpoch(d.epoch);
        d.number = epoch.number();
        // forge-lint: disable-start(unsafe-typecast) fields of a word of these widths
        d.answers = uint32(epoch.count());
        d.draws = uint16(epoch.draws());
        d.committedAt = uint64(epoch.committedAt());
        d.drawBlock = epoch.drawBlock();
        d.challengeBy = uint64(epoch.committedAt() + book.challengeWindow());
        // forge-lint: disable-end(unsafe-typecast)
        d.exposed = epoch.exposure();
        d.openDisputes = book.openDisputes(d.epoch);
        Line memory line = book.line(epoch.provider, epoch.version);
        (d.settled, d.over) = (line.next - line.open, line.over);
        d.usable = registry.verifierUsable(book.pageOf(epoch.page).verifier);
        (uint256 least, uint256 total) = weightsOf(epoch.page);
        uint256 cheated = 1;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 k = cheated < d.answers ? cheated : d.answers;
            d.detection[i] = EpochEconomics.detection(d.answers, d.draws, k, least, total);
            cheated *= 10;
        }
    }

    function _next(EpochDescription memory d) private view returns (Action memory) {
        bool ended = d.status == EpochStatus.Settled || d.status == EpochStatus.Voided;
        if (ended || d.over) return Action("nobody", "", 0);
        if (!d.usable) return Action("anybody", "voidEpoch", 0);
        if (d.status == EpochStatus.Committed) {
            if (block.timestamp > d.challengeBy) return Action("anybody", "expire", 0);
            string memory after_ = string.concat("fixCommitments after block ", uint256(d.drawBlock).toString());
            return Action("provider", block.number > d.drawBlock ? "fixCommitments" : after_, d.challengeBy);
        }
        // The contract does not keep when that was fixed.
        if (d.status == EpochStatus.Fixed) return Action("provider", "prove", 0);
        if (block.timestamp <= d.challengeBy) {
            return Action("requesters and watchers", "demand or challenge", d.challengeBy);
        }
        if (d.openDisputes != 0) return Action("parties of its disputes", "their turns (EpochDisputes)", 0);
        if (d.settled != d.number) {
            return Action("anybody", string.concat("settle epoch ", d.settled.toString(), " first"), 0);
        }
        return Action("anybody", "settle", 0);
    }

    function _explain(EpochDescription memory d) private view returns (string memory) {
        Action memory next = _next(d);
        if (keccak256(bytes(next.what)) != keccak256("prove")) return _text(d).withNext(next);
        string memory window = uint256(book.proveWindow()).toString();
        return string.concat(
            _text(d), " Next: provider, prove, until ", window, " s after the event EpochFixed; then anybody, expire."
        );
    }

    function _text(EpochDescription memory d) private view returns (string memory) {
        string memory text = string.concat("Epoch ", uint256(d.number).toString(), ", ", _stateText(d));
        text = string.concat(text, " Its draws show ");
        uint256 cheated = 1;
        for (uint256 i = 0; i < 4 && cheated <= d.answers; ++i) {
            string memory what = i == 0 ? " false answer with a probability of " : " with ";
            text = string.concat(text, i == 0 ? "" : ", ", cheated.toString(), what, LensText.percent(d.detection[i]));
            cheated *= 10;
        }
        return string.concat(text, " at least.");
    }

    function _stateText(EpochDescription memory d) private view returns (string memory) {
        string memory text = string.concat(
            LensText.counted(d.answers, " answer", " answers"),
            " of which ",
            LensText.counted(d.draws, " is drawn, ", " are drawn, "),
            "committed to ",
            (block.timestamp - d.committedAt).toString(),
            " s ago: "
        );
        if (d.status == EpochStatus.Settled) return string.concat(text, "settled, its answers can be paid for.");
        if (d.status == EpochStatus.Voided) {
            return string.concat(text, "void, as the verifier was frozen: it exposes nothing, and is never paid for.");
        }
        if (d.over) return string.concat(text, "its line was slashed, and it is never settled.");
        string memory state = "proven. ";
        if (d.status == EpochStatus.Committed) state = "what is drawn is not fixed. ";
        if (d.status == EpochStatus.Fixed) state = "what is drawn is fixed, and not proven. ";
        return string.concat(
            text,
            state,
            LensText.counted(d.openDisputes, " dispute is open. ", " disputes are open. "),
            "It exposes ",
            d.exposed.toString(),
            " of the line's bond."
        );
    }

    /// Refuses what is no page.
    function _sumsOf(address page) private view returns (uint256[] memory) {
        return EpochPage.sumsOf(EpochPage.read(page), book.pageOf(page).layers);
    }
}
