// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What a validator calls, of the registry of validations of ERC-8004 (draft of 2026)
interface IValidationRegistry {
    /// @param response From 0, it failed, to 100, it passed.
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external;
}
