// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Verifying key digest → verifier
/// @notice Append-only. A verifier is pinned by address and code hash; freezing is instant and for ever.
interface IVerifierRouter {
    /// @notice A verifier was added.
    event VerifierAdded(bytes32 indexed verifyingKey, address indexed verifier, bytes32 codeHash, bytes32 setup);
    /// @notice A verifier was frozen.
    event VerifierFrozen(bytes32 indexed verifyingKey, string reason);

    error NotCurator(address caller);
    error NotGuardian(address caller);
    /// @notice The digest has a verifier, or had one that was frozen.
    error AlreadyAdded(bytes32 verifyingKey);
    error UnknownVerifyingKey(bytes32 verifyingKey);
    error Frozen(bytes32 verifyingKey);
    /// @notice The address has no code.
    error NoCode(address verifier);
    /// @notice The code at the address is not the one that was added.
    error CodeChanged(address verifier, bytes32 expected, bytes32 got);
    /// @notice The verifier returned something else than three words.
    error BadReturn(address verifier, uint256 length);

    /// @notice Adds a verifier under the digest it reports. Curator only.
    function add(address verifier) external returns (bytes32 verifyingKey);
    /// @notice Freezes a verifier for ever. Guardian only.
    function freeze(bytes32 verifyingKey, string calldata reason) external;
    /// @notice Verifies by the verifier of a digest; reverts with its error unless the proof is valid.
    function verify(bytes32 verifyingKey, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bytes32 input, bytes32 output, bytes32 weights);
    /// @notice What is known of a digest; zeros if nothing.
    function entry(bytes32 verifyingKey)
        external
        view
        returns (address verifier, bytes32 codeHash, bytes32 setup, bool frozen);
    /// @notice When the verifier of a digest was frozen; zero if it is not, or not known.
    function frozenAt(bytes32 verifyingKey) external view returns (uint64);
    /// @notice When a verifier under a setup was last frozen; zero if none was. Claims have a full answer window after
    /// it, for a proof that was about to be sent may have been one of the frozen verifier.
    function lastFreeze(bytes32 setup) external view returns (uint64);
    /// @notice Whether proofs under the digest can be verified now.
    function usable(bytes32 verifyingKey) external view returns (bool);
    function curator() external view returns (address);
    function guardian() external view returns (address);
}
