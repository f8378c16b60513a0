// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Challenges } from "./book/Challenges.sol";
import { Claims } from "./book/Claims.sol";
import { IAuditBeacon } from "./interfaces/IAuditBeacon.sol";
import { IBondEscrow } from "./interfaces/IBondEscrow.sol";
import { IClaimBook } from "./interfaces/IClaimBook.sol";
import { IJobMarket } from "./interfaces/IJobMarket.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { ITokenDigests } from "./interfaces/ITokenDigests.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Claims: proofs, challenges, draws, ends
/// @notice Holds no money, but for the challengers' part of a stake until it is shared out.
/// @dev Calls untrusted code (signers, verifiers) only by `staticcall`, so nothing can enter again.
contract ClaimBook is Challenges, ERC165 {
    constructor(
        IBondEscrow escrow_,
        IJobMarket market_,
        IModelRegistry registry_,
        IAuditBeacon beacon_,
        ITokenDigests digests_
    ) Claims(Parts(escrow_, market_, registry_, beacon_, digests_)) { }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IClaimBook).interfaceId || super.supportsInterface(id);
    }
}
