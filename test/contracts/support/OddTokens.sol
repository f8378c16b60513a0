// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// A token as it should be, with permits.
contract PlainToken is ERC20Permit {
    constructor() ERC20("Plain", "PLN") ERC20Permit("Plain") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// Takes a hundredth of each transfer: from the receiver, or from the sender besides, as configured.
contract FeeToken is ERC20 {
    bool public on;
    bool public fromSender;

    constructor() ERC20("Fee", "FEE") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function configure(bool on_, bool fromSender_) external {
        (on, fromSender) = (on_, fromSender_);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (on && from != address(0) && to != address(0)) {
            super._update(fromSender ? from : to, address(0), amount / 100);
        }
    }
}

/// Balances grow and shrink by themselves.
contract RebasingToken is ERC20 {
    uint256 public percent = 100;

    constructor() ERC20("Rebasing", "RBS") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function rebase(uint256 percent_) external {
        percent = percent_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * percent / 100;
    }
}

/// Returns nothing, like USDT.
contract NoReturnToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Says `false` where it should revert.
contract FalseToken is ERC20 {
    constructor() ERC20("False", "FLS") { }

    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// Refuses transfers to and from accounts on a list.
contract BlockingToken is ERC20 {
    error Blocked(address account);

    mapping(address account => bool) public blocked;

    constructor() ERC20("Blocking", "BLK") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setBlocked(address account, bool value) external {
        blocked[account] = value;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (blocked[from]) revert Blocked(from);
        if (blocked[to]) revert Blocked(to);
        super._update(from, to, amount);
    }
}

interface ITokenHook {
    function onTransfer() external;
}

/// Tells sender and receiver of a transfer before it happens, like ERC-777.
contract HookedToken is ERC20 {
    mapping(address account => bool) public hooked;

    constructor() ERC20("Hooked", "HKD") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setHooked(bool value) external {
        hooked[msg.sender] = value;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (hooked[from]) ITokenHook(from).onTransfer();
        super._update(from, to, amount);
        if (hooked[to]) ITokenHook(to).onTransfer();
    }
}
