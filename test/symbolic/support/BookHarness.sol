// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimBook } from "../../../contracts/ClaimBook.sol";
import { IAuditBeacon } from "../../../contracts/interfaces/IAuditBeacon.sol";
import { IBondEscrow } from "../../../contracts/interfaces/IBondEscrow.sol";
import { IJobMarket } from "../../../contracts/interfaces/IJobMarket.sol";
import { IModelRegistry } from "../../../contracts/interfaces/IModelRegistry.sol";
import { ITokenDigests } from "../../../contracts/interfaces/ITokenDigests.sol";
import { ChallengeStatus, ClaimStatus } from "../../../contracts/interfaces/Types.sol";
import { BookState } from "./BookState.sol";

/// @notice The claim book, whose state can be set.
contract BookHarness is ClaimBook {
    /// The book's last variable is the one before; it is private.
    bytes32 private _after;

    constructor(
        IBondEscrow escrow_,
        IJobMarket market_,
        IModelRegistry registry_,
        IAuditBeacon beacon_,
        ITokenDigests digests_
    ) ClaimBook(escrow_, market_, registry_, beacon_, digests_) { }

    function put(bytes32 id, BookState calldata s, bytes32 revealed) external {
        _kept[id] = Kept({
            status: ClaimStatus(s.status),
            output: ChallengeStatus(s.output),
            allProven: s.allProven,
            outputResolved: s.outputResolved,
            outputBy: s.outputBy,
            challengers: s.challengers,
            reward: s.reward
        });
        (_proven[id], _challenged[id], _drawn[id]) = (s.proven, s.challenged, s.drawn);
        for (uint256 i = 0; i < 4; ++i) {
            _records[id][i == 3 ? 255 : i] = Record(s.answerBy[i], s.holders[i]);
        }
        uint256 slot;
        assembly ("memory-safe") {
            slot := sub(_after.slot, 1)
        }
        bytes32 place = keccak256(abi.encode(id, slot));
        assembly ("memory-safe") {
            sstore(place, revealed)
        }
    }

    function look(bytes32 id) external view returns (BookState memory s) {
        Kept memory kept = _kept[id];
        (s.status, s.output) = (uint8(kept.status), uint8(kept.output));
        (s.allProven, s.outputResolved, s.outputBy) = (kept.allProven, kept.outputResolved, kept.outputBy);
        (s.challengers, s.reward) = (kept.challengers, kept.reward);
        (s.proven, s.challenged, s.drawn) = (_proven[id], _challenged[id], _drawn[id]);
        for (uint256 i = 0; i < 4; ++i) {
            Record memory record = _records[id][i == 3 ? 255 : i];
            (s.answerBy[i], s.holders[i]) = (record.answerBy, record.challengers);
        }
    }
}
