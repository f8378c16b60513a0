// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Challenges } from "./book/Challenges.sol";
import { Claims } from "./book/Claims.sol";
import { IClaimBook } from "./interfaces/IClaimBook.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Claims: proofs, challenges, draws, ends
/// @notice Holds no money, but for the challengers' part of a stake until it is shared out.
/// @dev Calls untrusted code (signers, verifiers) only by `staticcall`, so nothing can enter again.
contract ClaimBook is Challenges, ERC165 {
    constructor(Parts memory parts) Claims(parts) { }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IClaimBook).interfaceId || super.supportsInterface(id);
    }
}
