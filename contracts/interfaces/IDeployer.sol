// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Deployment at addresses known beforehand
/// @notice A contract's address depends on this contract, on the caller and on a salt, not on its code or constructor
/// arguments: contracts can have each other's addresses as immutables, and nobody else can take one.
interface IDeployer {
    event Deployed(address indexed deployed, address indexed caller, bytes32 salt, bytes32 codeHash);

    /// @notice The caller deployed under this salt before.
    error SaltUsed(address caller, bytes32 salt);
    /// @notice The constructor left no code.
    error NoCodeDeployed(address caller, bytes32 salt);

    /// @notice Deploys; the constructor sees an intermediate contract as `msg.sender`. Bubbles its error.
    /// @param creationCode Creation code, followed by the constructor's arguments.
    function deploy(bytes32 salt, bytes calldata creationCode) external returns (address deployed);
    /// @notice Where a caller's contract is, or would be.
    function addressOf(address caller, bytes32 salt) external view returns (address);
}
