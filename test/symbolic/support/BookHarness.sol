// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimBook } from "../../../contracts/ClaimBook.sol";
import { IAuditBeacon } from "../../../contracts/interfaces/IAuditBeacon.sol";
import { IBondEscrow } from "../../../contracts/interfaces/IBondEscrow.sol";
import { IJobMarket } from "../../../contracts/interfaces/IJobMarket.sol";
import { IModelRegistry } from "../../../contracts/interfaces/IModelRegistry.sol";
import { ITokenDigests } from "../../../contracts/interfaces/ITokenDigests.sol";
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

    /// @param kept Packed.
    /// @param records Packed.
    function put(bytes32 id, uint256 kept, BookState calldata s, uint256[4] calldata records, bytes32 revealed)
        external
    {
        Kept storage place = _kept[id];
        assembly ("memory-safe") {
            sstore(place.slot, kept)
        }
        (_proven[id], _challenged[id], _drawn[id]) = (s.proven, s.challenged, s.drawn);
        for (uint256 i = 0; i < 4; ++i) {
            Record storage record = _records[id][i == 3 ? 255 : i];
            uint256 word = records[i];
            assembly ("memory-safe") {
                sstore(record.slot, word)
            }
        }
        bytes32 last;
        assembly ("memory-safe") {
            last := sub(_after.slot, 1)
        }
        last = keccak256(abi.encode(id, last));
        assembly ("memory-safe") {
            sstore(last, revealed)
        }
    }

    function look(bytes32 id) external view returns (uint256 kept, BookState memory s, uint256[4] memory records) {
        Kept storage place = _kept[id];
        assembly ("memory-safe") {
            kept := sload(place.slot)
        }
        (s.proven, s.challenged, s.drawn) = (_proven[id], _challenged[id], _drawn[id]);
        for (uint256 i = 0; i < 4; ++i) {
            Record storage record = _records[id][i == 3 ? 255 : i];
            uint256 word;
            assembly ("memory-safe") {
                word := sload(record.slot)
            }
            records[i] = word;
        }
    }
}
