// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILayerVerifier } from "./interfaces/ILayerVerifier.sol";
import { IVerifierRouter } from "./interfaces/IVerifierRouter.sol";

/// @title Verifying key digest → verifier
contract VerifierRouter is IVerifierRouter {
    struct Entry {
        address verifier;
        /// When it was frozen; zero: it is not.
        uint64 frozenAt;
        bytes32 codeHash;
        bytes32 setup;
    }

    /// @inheritdoc IVerifierRouter
    address public immutable curator;
    /// @inheritdoc IVerifierRouter
    address public immutable guardian;

    mapping(bytes32 verifyingKey => Entry) private _entries;

    /// @inheritdoc IVerifierRouter
    mapping(bytes32 setup => uint64) public lastFreeze;

    constructor(address curator_, address guardian_) {
        curator = curator_;
        guardian = guardian_;
    }

    /// @inheritdoc IVerifierRouter
    function add(address verifier) external returns (bytes32 verifyingKey) {
        if (msg.sender != curator) revert NotCurator(msg.sender);
        if (verifier.code.length == 0) revert NoCode(verifier);
        verifyingKey = ILayerVerifier(verifier).verifyingKey();
        // A frozen entry stays: nothing takes its place.
        if (_entries[verifyingKey].verifier != address(0)) revert AlreadyAdded(verifyingKey);
        Entry memory e = Entry(verifier, 0, verifier.codehash, ILayerVerifier(verifier).setup());
        _entries[verifyingKey] = e;
        emit VerifierAdded(verifyingKey, verifier, e.codeHash, e.setup);
    }

    /// @inheritdoc IVerifierRouter
    function freeze(bytes32 verifyingKey, string calldata reason) external {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
        Entry storage e = _entries[verifyingKey];
        if (e.verifier == address(0)) revert UnknownVerifyingKey(verifyingKey);
        if (e.frozenAt != 0) revert Frozen(verifyingKey);
        e.frozenAt = uint64(block.timestamp);
        lastFreeze[e.setup] = uint64(block.timestamp);
        emit VerifierFrozen(verifyingKey, reason);
    }

    /// @inheritdoc IVerifierRouter
    function verify(bytes32 verifyingKey, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bytes32 input, bytes32 output, bytes32 weights)
    {
        Entry storage e = _entries[verifyingKey];
        address verifier = e.verifier;
        if (verifier == address(0)) revert UnknownVerifyingKey(verifyingKey);
        if (e.frozenAt != 0) revert Frozen(verifyingKey);
        // A call to an address without code succeeds and returns nothing.
        if (verifier.code.length == 0) revert NoCode(verifier);
        if (verifier.codehash != e.codeHash) revert CodeChanged(verifier, e.codeHash, verifier.codehash);

        (bool ok, bytes memory returned) =
            verifier.staticcall(abi.encodeCall(ILayerVerifier.verify, (proof, instances)));
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(returned, 0x20), mload(returned))
            }
        }
        if (returned.length != 96) revert BadReturn(verifier, returned.length);
        return abi.decode(returned, (bytes32, bytes32, bytes32));
    }

    /// @inheritdoc IVerifierRouter
    function entry(bytes32 verifyingKey)
        external
        view
        returns (address verifier, bytes32 codeHash, bytes32 setup, bool frozen)
    {
        Entry storage e = _entries[verifyingKey];
        return (e.verifier, e.codeHash, e.setup, e.frozenAt != 0);
    }

    /// @inheritdoc IVerifierRouter
    function frozenAt(bytes32 verifyingKey) external view returns (uint64) {
        return _entries[verifyingKey].frozenAt;
    }

    /// @inheritdoc IVerifierRouter
    function usable(bytes32 verifyingKey) external view returns (bool) {
        Entry storage e = _entries[verifyingKey];
        return e.verifier.code.length != 0 && e.frozenAt == 0 && e.verifier.codehash == e.codeHash;
    }
}
