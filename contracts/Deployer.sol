// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IDeployer } from "./interfaces/IDeployer.sol";
import { Create3 } from "@openzeppelin/contracts/utils/Create3.sol";

/// @title Deployment at addresses known beforehand
/// @notice It takes no arguments: the canonical CREATE2 deployer puts it at the same address on every chain.
contract Deployer is IDeployer {
    /// @inheritdoc IDeployer
    function deploy(bytes32 salt, bytes calldata creationCode) external returns (address deployed) {
        if (addressOf(msg.sender, salt).code.length != 0) revert SaltUsed(msg.sender, salt);
        deployed = Create3.deploy(0, _salt(msg.sender, salt), creationCode);
        if (deployed.code.length == 0) revert NoCodeDeployed(msg.sender, salt);
        emit Deployed(deployed, msg.sender, salt, deployed.codehash);
    }

    /// @inheritdoc IDeployer
    function addressOf(address caller, bytes32 salt) public view returns (address) {
        return Create3.computeAddress(_salt(caller, salt));
    }

    function _salt(address caller, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(caller, salt));
    }
}
