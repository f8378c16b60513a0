// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Deployer } from "../../contracts/Deployer.sol";
import { ModelRegistry } from "../../contracts/ModelRegistry.sol";
import { IBondEscrow } from "../../contracts/interfaces/IBondEscrow.sol";
import { IDeployer } from "../../contracts/interfaces/IDeployer.sol";
import { Test } from "forge-std/Test.sol";

/// Its constructor fails or leaves no code, as asked.
contract Unfinished {
    error Asked(uint256 value);

    constructor(uint256 value) {
        if (value != 0) revert Asked(value);
        assembly ("memory-safe") {
            return(0, 0)
        }
    }
}

contract DeployerTest is Test {
    bytes32 internal constant SALT = keccak256("salt");

    Deployer internal deployer = new Deployer();
    address internal alice = makeAddr("alice");

    function code(address guardian) internal pure returns (bytes memory) {
        return abi.encodePacked(type(ModelRegistry).creationCode, abi.encode(address(0), guardian));
    }

    function testFuzz_Address_DependsOnFactoryCallerAndSaltOnly(address caller, bytes32 salt, address argument) public {
        address predicted = deployer.addressOf(caller, salt);
        vm.prank(caller);
        address deployed = deployer.deploy(salt, code(argument));
        assertEq(deployed, predicted);
        assertEq(deployer.addressOf(caller, salt), predicted);
        assertEq(ModelRegistry(deployed).guardian(), argument);
    }

    function testFuzz_Address_OfAnotherCallerSaltOrFactoryIsAnother(address caller, bytes32 salt) public {
        vm.assume(caller != alice && salt != SALT);
        address predicted = deployer.addressOf(alice, SALT);
        assertNotEq(deployer.addressOf(caller, SALT), predicted);
        assertNotEq(deployer.addressOf(alice, salt), predicted);
        assertNotEq(new Deployer().addressOf(alice, SALT), predicted);
    }

    function test_Deploy_SaysWhatItDid() public {
        address predicted = deployer.addressOf(address(this), SALT);
        bytes32 codeHash = address(new ModelRegistry(IBondEscrow(address(0)), alice)).codehash;
        vm.expectEmit(address(deployer));
        emit IDeployer.Deployed(predicted, address(this), SALT, codeHash);
        deployer.deploy(SALT, code(alice));
    }

    function test_Deploy_RefusesAUsedSalt() public {
        deployer.deploy(SALT, code(alice));
        vm.expectRevert(abi.encodeWithSelector(IDeployer.SaltUsed.selector, address(this), SALT));
        deployer.deploy(SALT, code(address(0)));
        // Another caller's salts are others.
        vm.prank(alice);
        deployer.deploy(SALT, code(alice));
    }

    function test_Deploy_AFailedConstructorLeavesTheSaltFree() public {
        bytes memory creation = type(Unfinished).creationCode;
        vm.expectRevert(abi.encodeWithSelector(Unfinished.Asked.selector, 7));
        deployer.deploy(SALT, abi.encodePacked(creation, abi.encode(7)));
        vm.expectRevert(abi.encodeWithSelector(IDeployer.NoCodeDeployed.selector, address(this), SALT));
        deployer.deploy(SALT, abi.encodePacked(creation, abi.encode(0)));
        assertEq(deployer.deploy(SALT, code(alice)), deployer.addressOf(address(this), SALT));
    }

    function test_Deployer_IsItselfDeployableByTheCanonicalFactory() public {
        bytes memory creation = type(Deployer).creationCode;
        address predicted = vm.computeCreate2Address(0, keccak256(creation), CREATE2_FACTORY);
        assertEq(CREATE2_FACTORY, 0x4e59b44847b379578588920cA78FbF26c0B4956C);
        (bool ok,) = CREATE2_FACTORY.call(abi.encodePacked(bytes32(0), creation));
        assertTrue(ok);
        assertEq(predicted.codehash, address(deployer).codehash);
        assertEq(Deployer(predicted).deploy(SALT, code(alice)), Deployer(predicted).addressOf(address(this), SALT));
    }
}
