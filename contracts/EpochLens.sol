// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Epoch } from "./interfaces/EpochTypes.sol";
import { IEpochBook } from "./interfaces/IEpochBook.sol";
import { IEpochLens } from "./interfaces/IEpochLens.sol";
import { EpochDraw } from "./libraries/EpochDraw.sol";
import { EpochEconomics } from "./libraries/EpochEconomics.sol";
import { EpochPage } from "./libraries/EpochPage.sol";
import { EpochWords } from "./libraries/EpochWords.sol";

/// @title Reading epochs
contract EpochLens is IEpochLens {
    using EpochWords for Epoch;

    IEpochBook public immutable book;

    constructor(IEpochBook book_) {
        book = book_;
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

    /// Refuses what is no page.
    function _sumsOf(address page) private view returns (uint256[] memory) {
        return EpochPage.sumsOf(EpochPage.read(page), book.pageOf(page).layers);
    }
}
