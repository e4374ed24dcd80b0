//! Modules of a crate, and the modules that each of them uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

/// Path of a module below its crate, or of an item as the code has it.
type Segments = Vec<String>;

/// Modules of a crate by path; the root's path is empty.
#[derive(Default)]
pub(crate) struct Modules(BTreeMap<Segments, Module>);

#[derive(Default)]
struct Module {
    /// Paths of `use` declarations by the names that they define.
    names: BTreeMap<String, Segments>,
    /// Paths of `use` declarations that end in `*`.
    globs: Vec<Segments>,
    /// All other paths.
    paths: Vec<Segments>,
    children: Vec<ItemMod>,
}

impl Modules {
    /// Reads the crate with a root file, without its tests.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut modules = Self::default();
        let directory = root.parent().context("a root file has a directory")?;
        modules.file(root, directory, &[])?;
        Ok(modules)
    }

    fn file(&mut self, file: &Path, directory: &Path, path: &[String]) -> anyhow::Result<()> {
        let name = || file.display().to_string();
        let text = fs::read_to_string(file).with_context(name)?;
        let items = syn::parse_file(&text).with_context(name)?.items;
        self.items(&items, directory, path)
    }

    fn items(&mut self, items: &[Item], directory: &Path, path: &[String]) -> anyhow::Result<()> {
        let mut module = Module::default();
        items.iter().for_each(|item| module.visit_item(item));
        for child in std::mem::take(&mut module.children) {
            let name = child.ident.to_string();
            let path = [path, std::slice::from_ref(&name)].concat();
            let directory_of_child = directory.join(&name);
            let file = directory.join(format!("{name}.rs"));
            match &child.content {
                Some((_, items)) => self.items(items, &directory_of_child, &path)?,
                None if file.exists() => self.file(&file, &directory_of_child, &path)?,
                None => self.file(
                    &directory_of_child.join("mod.rs"),
                    &directory_of_child,
                    &path,
                )?,
            }
        }
        self.0.insert(path.to_vec(), module);
        Ok(())
    }

    /// Returns each pair of a module and one that it uses, with the path in the code.
    pub(crate) fn uses(&self) -> BTreeSet<(Segments, Segments, String)> {
        let mut uses = BTreeSet::new();
        for (path, module) in &self.0 {
            let all = module.names.values().chain(&module.globs);
            for used in all.chain(&module.paths) {
                let resolved = self.resolve(path, used, &mut BTreeSet::new());
                uses.extend(resolved.map(|other| (path.clone(), other, used.join("::"))));
            }
        }
        uses
    }

    /// Returns the module that defines what a path in `module` names; `None` if that is in another crate.
    fn resolve(
        &self,
        module: &[String],
        path: &[String],
        seen: &mut BTreeSet<(Segments, Segments)>,
    ) -> Option<Segments> {
        if !seen.insert((module.to_vec(), path.to_vec())) {
            return None;
        }
        let mut at = module.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => (at, rest) = (Vec::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            // A path of another crate, a type of the prelude, or a parameter.
            first if !self.defines(module, first) => return None,
            _ => {}
        }
        while let Some((first, after)) = rest.split_first() {
            let child = [at.as_slice(), std::slice::from_ref(first)].concat();
            if self.0.contains_key(&child) {
                (at, rest) = (child, after);
                continue;
            }
            let here = self.0.get(&at)?;
            if let Some(target) = here.names.get(first) {
                let target = [target, after].concat();
                return self.resolve(&at, &target, seen);
            }
            let globs = here.globs.iter();
            let mut from = globs.filter_map(|glob| self.resolve(&at, glob, seen));
            if let Some(from) = from.find(|from| self.defines(from, first)) {
                let target = [&["self".to_owned()], rest].concat();
                return self.resolve(&from, &target, seen);
            }
            break;
        }
        Some(at)
    }

    /// Returns whether a name is that of a child of the module, or of one of its `use` declarations.
    fn defines(&self, module: &[String], name: &str) -> bool {
        let child = [module, &[name.to_owned()]].concat();
        let names = |module: &Module| module.names.contains_key(name);
        self.0.contains_key(&child) || self.0.get(module).is_some_and(names)
    }
}

impl Module {
    fn import(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(&path.ident)),
            UseTree::Name(name) if name.ident == "self" => self.name(before.last(), before),
            UseTree::Name(name) => self.name(Some(&name.ident.to_string()), &with(&name.ident)),
            UseTree::Rename(name) => self.name(Some(&name.rename.to_string()), &with(&name.ident)),
            UseTree::Glob(_) => self.globs.push(before.to_vec()),
            UseTree::Group(group) => {
                let trees = group.items.iter();
                trees.for_each(|tree| self.import(tree, before));
            }
        }
    }

    fn name(&mut self, name: Option<&String>, path: &[String]) {
        match name {
            // Otherwise `use glob::glob` would refer to itself.
            Some(name) if path.first() != Some(name) => {
                self.names.insert(name.clone(), path.to_vec());
            }
            _ => self.paths.push(path.to_vec()),
        }
    }
}

impl Visit<'_> for Module {
    fn visit_item(&mut self, item: &Item) {
        let attributes = match item {
            Item::Const(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &ItemMod) {
        self.children.push(module.clone());
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        self.import(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments = path.segments.iter();
        if segments.len() > 1 {
            let segments = segments.map(|segment| segment.ident.to_string());
            self.paths.push(segments.collect());
        }
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let for_tests = |attribute: &Attribute| {
        let list = attribute.meta.require_list();
        list.is_ok_and(|list| {
            let tokens = list.tokens.to_string();
            let mut words = tokens.split(|c: char| !c.is_alphanumeric());
            list.path.is_ident("cfg") && words.any(|word| word == "test")
        })
    };
    attributes.iter().any(for_tests)
}
