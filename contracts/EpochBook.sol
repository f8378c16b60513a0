// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Epochs } from "./epochs/Epochs.sol";
import { Lines } from "./epochs/Lines.sol";
import { IAuditBeacon } from "./interfaces/IAuditBeacon.sol";
import { IBondEscrow } from "./interfaces/IBondEscrow.sol";
import { IEpochBook } from "./interfaces/IEpochBook.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Epochs: many answers behind one bond and one proof
/// @notice Its money is a free balance in the escrow, of which it is an operator.
/// @dev Calls untrusted code (signers, verifiers) only by `staticcall`, so nothing can enter again.
contract EpochBook is Epochs, ERC165 {
    uint256 public constant MIN_WINDOW = 1 minutes;
    uint256 public constant MAX_WINDOW = 7 days;
    /// @notice For a provider whose channel is being closed to commit to what it has answered.
    uint256 public constant COMMIT_TIME = 1 days;

    /// @param challengeWindow_ Seconds from a commitment until which its draw is fixed, and answers are disputed: at
    /// least as long as until the draw can be made, and `MIN_WINDOW` more.
    /// @param answerWindow_ Seconds for each turn of a dispute, and for the proof of an epoch after its layers can be
    /// drawn.
    constructor(
        IBondEscrow escrow_,
        IModelRegistry registry_,
        IAuditBeacon beacon_,
        address disputes_,
        uint256 challengeWindow_,
        uint256 answerWindow_
    )
        EIP712("nanozk EpochBook", "1")
        Lines(escrow_, registry_, beacon_, _life(beacon_, challengeWindow_, answerWindow_) + COMMIT_TIME)
        Epochs(disputes_, challengeWindow_, answerWindow_, _drawTime(beacon_))
    { }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IEpochBook).interfaceId || super.supportsInterface(id);
    }

    /// Longest time from a commitment to the end of its proof, and of disputes of three turns.
    function _life(IAuditBeacon beacon_, uint256 challengeWindow_, uint256 answerWindow_)
        private
        view
        returns (uint256)
    {
        uint256 drawTime = _drawTime(beacon_);
        _checkBounds("challengeWindow", drawTime + MIN_WINDOW, MAX_WINDOW, challengeWindow_);
        _checkBounds("answerWindow", MIN_WINDOW, MAX_WINDOW, answerWindow_);
        return challengeWindow_ + drawTime + 3 * answerWindow_;
    }

    function _drawTime(IAuditBeacon beacon_) private view returns (uint256) {
        return address(beacon_) == address(0) ? 0 : beacon_.maxDrawTime();
    }

    function _checkBounds(string memory field, uint256 min, uint256 max, uint256 got) private pure {
        if (got < min || got > max) revert BadDuration(field, min, max, got);
    }
}
